import { aPodOf } from '../test/builders/pod.ts';
import { aSandbox } from '../test/builders/sandbox.ts';
import { slimPod } from './slim-pod.ts';

test('a slim pod says who it is, where it runs, what it may use and how it is, and nothing of how it is started', () => {
  const resources = { limits: { cpu: '1' } };
  const env = [{ name: 'A', value: 'b' }];
  const pod = aPodOf(aSandbox(), {
    spec: {
      nodeName: 'node-1',
      volumes: [{ name: 'workspace' }],
      containers: [{ name: 'sandbox', image: 'python', env, resources }],
    },
  });
  expect(slimPod(pod)).toEqual({
    ...pod,
    spec: {
      nodeName: 'node-1',
      containers: [{ name: 'sandbox', image: 'python', resources }],
    },
  });
});
