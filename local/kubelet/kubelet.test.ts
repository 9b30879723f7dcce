import { FakeClock } from '../../test/fakes/clock.ts';
import { FakeLogger } from '../../test/fakes/logger.ts';
import { MemoryCluster } from '../../test/fakes/memory-cluster.ts';
import { FakePodRunner, missingImage } from '../../test/fakes/pod-runner.ts';
import type { Draft, OwnerReference } from '../../kube/objects.ts';
import { PODS, type Pod, type PodSpec } from '../../kube/pod.ts';
import { PodStartError } from '../runners/pod-runner.ts';
import { SECRETS } from './environment.ts';
import { Kubelet, podIndexes } from './kubelet.ts';

const OWNER: OwnerReference = {
  apiVersion: 'sandbox.ai/v1alpha1',
  kind: 'Sandbox',
  name: 'box',
  uid: 'owner-uid',
  controller: true,
};

function draft(spec: Partial<PodSpec> = {}): Draft<Pod> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'box', namespace: 'default', ownerReferences: [OWNER] },
    spec: { containers: [{ name: 'sandbox', image: 'x' }], nodeName: 'local', ...spec },
  };
}

function world(runner = new FakePodRunner()) {
  const clock = new FakeClock();
  const cluster = new MemoryCluster(clock);
  const pods = cluster.cacheOf(PODS, podIndexes);
  const owners = new Set<string>();
  const kubelet = new Kubelet({
    client: cluster,
    pods,
    runner,
    keptWorkspaces: () => owners,
    logger: new FakeLogger(),
    clock,
  });
  return {
    clock,
    cluster,
    kubelet,
    owners,
    pods,
    runner,
    pod: (): Pod | undefined => cluster.all(PODS)[0],
    state: () => cluster.all(PODS)[0]?.status?.containerStatuses?.[0]?.state,
  };
}

test('a new pod runs after one write, and says so as a kubelet does', async () => {
  const { clock, cluster, kubelet, pod, runner } = world();
  await kubelet.start();
  const created = await cluster.create(PODS, draft());
  await clock.run(0);
  expect(runner.containers.get(created.metadata.uid)?.workspaceId).toBe('owner-uid');
  expect(pod()?.status).toMatchObject({
    phase: 'Running',
    startTime: runner.startedAt,
    containerStatuses: [
      {
        ready: true,
        containerID: `fake://${created.metadata.uid}`,
        state: { running: { startedAt: runner.startedAt } },
      },
    ],
  });
  expect(pod()?.status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual([
    'PodScheduled=True',
    'Initialized=True',
    'ContainersReady=True',
    'Ready=True',
  ]);
  expect(cluster.writes).toHaveLength(2); // the test's own create is one
});

test('a pod of another node is left alone', async () => {
  const { clock, cluster, kubelet, runner } = world();
  await kubelet.start();
  await cluster.create(PODS, draft({ nodeName: 'elsewhere' }));
  await clock.run(0);
  expect(runner.containers.size).toBe(0);
});

test('references in the environment are resolved', async () => {
  const { clock, cluster, kubelet, runner } = world();
  await kubelet.start();
  await cluster.create(SECRETS, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'keys', namespace: 'default' },
    data: { token: Buffer.from('s3cret').toString('base64') },
  });
  const env = [
    { name: 'PLAIN', value: 'v' },
    { name: 'EMPTY' },
    { name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: 'UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
    { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'keys', key: 'token' } } },
    { name: 'ABSENT', valueFrom: { secretKeyRef: { name: 'keys', key: 'no', optional: true } } },
  ];
  const { metadata } = await cluster.create(
    PODS,
    draft({ containers: [{ name: 'sandbox', image: 'x', env }] }),
  );
  await clock.run(0);
  expect(runner.containers.get(metadata.uid)?.env).toEqual({
    PLAIN: 'v',
    EMPTY: '',
    POD: 'box',
    UID: metadata.uid,
    TOKEN: 's3cret',
  });
});

test('a missing secret is waited for', async () => {
  const { clock, cluster, kubelet, pod, runner, state } = world();
  await kubelet.start();
  const env = [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'keys', key: 'token' } } }];
  await cluster.create(PODS, draft({ containers: [{ name: 'sandbox', image: 'x', env }] }));
  await clock.run(0);
  expect(state()?.waiting).toEqual({
    reason: 'CreateContainerConfigError',
    message: 'secret "keys" not found',
  });
  await cluster.create(SECRETS, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'keys', namespace: 'default' },
    data: { token: 'eA==' },
  });
  await clock.run(1_000);
  expect(pod()?.status?.phase).toBe('Running');
  expect(runner.containers.size).toBe(1);
});

test('a missing image is tried again with backoff, in kubelet’s words, until it is there', async () => {
  const { clock, cluster, kubelet, pod, runner, state } = world();
  runner.failures.push(missingImage(), missingImage());
  await kubelet.start();
  await cluster.create(PODS, draft());
  await clock.run(0);
  expect(pod()?.status?.phase).toBe('Pending');
  expect(state()?.waiting).toEqual({ reason: 'ErrImagePull', message: 'image x is not there' });
  await clock.run(1_000);
  expect(state()?.waiting?.reason).toBe('ImagePullBackOff');
  await clock.run(1_999);
  expect(pod()?.status?.phase).toBe('Pending');
  await clock.run(1);
  expect(pod()?.status?.phase).toBe('Running');
});

test('a start that cannot ever succeed fails the pod', async () => {
  const { clock, cluster, kubelet, pod, runner } = world();
  const error = new PodStartError('CreateContainerConfigError', 'much is no usable limit', {
    retryable: false,
  });
  runner.failures.push(error);
  await kubelet.start();
  await cluster.create(PODS, draft());
  await clock.run(60_000);
  expect(pod()?.status).toMatchObject({
    phase: 'Failed',
    reason: 'CreateContainerConfigError',
    containerStatuses: [{ state: { terminated: { exitCode: 128, reason: 'StartError' } } }],
  });
  expect(runner.containers.size).toBe(0);
});

test.each([
  [{ exitCode: 0, reason: 'Completed' }, 'Succeeded'],
  [{ exitCode: 3, reason: 'Error', message: 'broken' }, 'Failed'],
  [{ exitCode: 137, reason: 'OOMKilled' }, 'Failed'],
])('the exit %j makes the pod %s', async (exit, phase) => {
  const { clock, cluster, kubelet, pod, runner } = world();
  await kubelet.start();
  const { metadata } = await cluster.create(PODS, draft());
  await clock.run(0);
  runner.end({ podUID: metadata.uid, ...exit });
  await clock.run(0);
  expect(pod()?.status).toMatchObject({
    phase,
    containerStatuses: [
      { ready: false, containerID: `fake://${metadata.uid}`, state: { terminated: exit } },
    ],
  });
});

test('a pod with a runtime class or an unknown node label is unschedulable and never started', async () => {
  const { clock, cluster, kubelet, pod, runner } = world();
  await kubelet.start();
  await cluster.create(PODS, draft({ runtimeClassName: 'gvisor' }));
  await clock.run(0);
  expect(runner.containers.size).toBe(0);
  expect(pod()?.status?.conditions).toMatchObject([
    { type: 'PodScheduled', status: 'False', reason: 'Unschedulable' },
  ]);
});

test('a deleted pod is stopped before the API server forgets it', async () => {
  const { clock, cluster, kubelet, pod, runner } = world();
  await kubelet.start();
  const { metadata } = await cluster.create(PODS, draft());
  await clock.run(0);
  await cluster.patch(
    PODS,
    { namespace: 'default', name: 'box' },
    {
      kind: 'merge',
      body: { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } },
    },
  );
  await clock.run(0);
  expect(runner.containers.has(metadata.uid)).toBe(false);
  expect(pod()).toBeUndefined();
});

test('a pod that vanished without a word takes its container with it', async () => {
  const { clock, cluster, kubelet, runner } = world();
  await kubelet.start();
  await cluster.create(PODS, draft());
  await clock.run(0);
  cluster.remove(PODS, { namespace: 'default', name: 'box' });
  await clock.run(0);
  expect(runner.containers.size).toBe(0);
});

test('after a restart running pods are kept without a write, and containers without a pod are removed', async () => {
  const first = world();
  await first.kubelet.start();
  await first.cluster.create(PODS, draft());
  await first.clock.run(0);
  await first.kubelet.stop();
  const request = [...first.runner.containers.values()][0];
  if (request === undefined) throw new Error('nothing was started');
  first.runner.containers.set('orphan', request);
  const writes = first.cluster.writes.length;
  const next = new Kubelet({
    client: first.cluster,
    pods: first.pods,
    runner: first.runner,
    keptWorkspaces: () => first.owners,
    logger: new FakeLogger(),
    clock: first.clock,
  });
  await next.start();
  await first.clock.run(0);
  expect([...first.runner.containers.keys()]).toEqual([request.pod.metadata.uid]);
  expect(first.cluster.writes).toHaveLength(writes);
  expect(first.pod()?.status?.phase).toBe('Running');
});

test('a running pod whose container is gone after a restart is Failed as ContainerLost, not started again', async () => {
  const { clock, cluster, kubelet, pod, runner } = world();
  await cluster.create(PODS, draft());
  cluster.setStatus(PODS, 'box', { phase: 'Running' });
  await kubelet.start();
  await clock.run(0);
  expect(runner.containers.size).toBe(0);
  expect(pod()?.status).toMatchObject({
    phase: 'Failed',
    reason: 'ContainerLost',
    containerStatuses: [
      { state: { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown' } } },
    ],
  });
});

test('workspaces are kept for owners that live and for pods that run, and for no one else', async () => {
  const { clock, cluster, kubelet, owners, runner } = world();
  owners.add('idle-owner');
  const { metadata } = await cluster.create(PODS, draft());
  await kubelet.start();
  await clock.run(2_000);
  expect(runner.keptWorkspaces).toEqual(new Set(['idle-owner', 'owner-uid', metadata.uid]));
  cluster.remove(PODS, { namespace: 'default', name: 'box' });
  owners.delete('idle-owner');
  kubelet.ownersChanged();
  await clock.run(2_000);
  expect(runner.keptWorkspaces).toEqual(new Set());
});

test('a status that could not be written is written later', async () => {
  const { clock, cluster, kubelet, pod, runner } = world();
  await kubelet.start();
  const { metadata } = await cluster.create(PODS, draft());
  await clock.run(0);
  cluster.failWith(new Error('the API server is away'));
  runner.end({ podUID: metadata.uid, exitCode: 1, reason: 'Error' });
  await clock.run(100);
  expect(pod()?.status?.phase).toBe('Running');
  cluster.failWith(undefined);
  await clock.run(10_000);
  expect(pod()?.status?.phase).toBe('Failed');
});

test('a pod without a node is bound to this one, once, and then started', async () => {
  const { clock, cluster, kubelet, runner } = world();
  await kubelet.start();
  const { containers } = draft().spec;
  runner.failures.push(missingImage());
  await cluster.create(PODS, { ...draft(), spec: { containers } });
  await clock.run(5_000);
  expect(runner.containers.size).toBe(1);
  const bindings = cluster.writes.filter(({ kind }) => kind === 'Binding');
  expect(bindings).toEqual([{ verb: 'create', kind: 'Binding', name: 'box' }]);
});
