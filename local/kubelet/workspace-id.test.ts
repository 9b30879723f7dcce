import { aPodOf } from '../../test/builders/pod.ts';
import { aSandbox } from '../../test/builders/sandbox.ts';
import { keptWorkspaceOf, workspaceOf } from './workspace-id.ts';

const pod = (suspensions?: string) =>
  aPodOf(aSandbox(), {
    metadata:
      suspensions === undefined ? {} : { annotations: { 'sandbox.ai/suspensions': suspensions } },
  });

test('a pod that replaces a lost one finds its workspace, one after a suspension finds a new one', () => {
  const { uid } = aSandbox().metadata;
  expect(workspaceOf(pod())).toBe(uid);
  expect(workspaceOf(pod('1'))).toBe(`${uid}-1`);
  expect(keptWorkspaceOf(aSandbox())).toBe(uid);
  expect(keptWorkspaceOf(aSandbox({ status: { suspensions: 1 } }))).toBe(`${uid}-1`);
});

test.each(['../up', '0', '', '1e9', '-1'])('an annotation of %j is no number', (text) => {
  expect(workspaceOf(pod(text))).toBe(aSandbox().metadata.uid);
});
