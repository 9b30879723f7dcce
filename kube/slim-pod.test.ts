import { aPodOf } from '../test/builders/pod.ts';
import { aSandbox } from '../test/builders/sandbox.ts';
import { slimPod } from './slim-pod.ts';

test('a slim pod says who it is, where it runs, what it may use and how it is, and nothing of how it is started', () => {
  const resources = { limits: { cpu: '1' } };
  const running = {
    name: 'sandbox',
    ready: true,
    restartCount: 0,
    state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
  };
  const env = [{ name: 'A', value: 'b' }];
  const pod = aPodOf(aSandbox(), {
    spec: {
      nodeName: 'node-1',
      volumes: [{ name: 'workspace' }],
      containers: [{ name: 'sandbox', image: 'python', env, resources }],
    },
    // As a node reports it, with more than our types name.
    status: {
      phase: 'Running',
      podIP: '10.0.0.1',
      ...{ podIPs: [{ ip: '10.0.0.1' }], qosClass: 'Guaranteed' },
      conditions: [{ type: 'Ready', status: 'True', ...{ lastProbeTime: null } }],
      containerStatuses: [
        { ...running, image: 'python', imageID: 'sha256:1', ...{ volumeMounts: [] } },
      ],
    },
  });
  expect(slimPod(pod)).toEqual({
    ...pod,
    spec: {
      nodeName: 'node-1',
      containers: [{ name: 'sandbox', image: 'python', resources }],
    },
    status: {
      phase: 'Running',
      podIP: '10.0.0.1',
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [running],
    },
  });
});

test('a pod that no node has taken yet has no status to say', () => {
  const { status: _, ...pod } = aPodOf(aSandbox());
  expect('status' in slimPod(pod)).toBe(false);
});
