import { Registry } from 'prom-client';
import { SANDBOXES } from '../../crds/sandbox.ts';
import { SANDBOX_TEMPLATES } from '../../crds/sandbox-template.ts';
import { createRuntimeMetrics } from '../../kube/metrics.ts';
import { PODS } from '../../kube/pod.ts';
import { waitFor } from '../../kube/wait-for.ts';
import { createCaches } from '../../operator/caches.ts';
import { aSandbox } from '../builders/sandbox.ts';
import { aTemplate } from '../builders/sandbox-template.ts';
import { isReady, World } from './world.ts';
import type { RunningOperator } from './world.ts';

/** The life of a sandbox, with the whole operator against an API server. */

const BOX = { namespace: 'default', name: 'box' };
const HOUR = 3_600_000;
let world: World;
let operator: RunningOperator;

beforeEach(async () => {
  world = await World.open();
  operator = await world.startOperator();
});

afterEach(() => world.close());

async function aReadySandbox(spec: object = {}) {
  await world.createTemplate();
  await world.create(SANDBOXES, aSandbox({ spec }));
  return world.sandbox(isReady);
}

/** Counts what a fast start writes, however slow the machine: no start is long here. */
async function countWrites(): Promise<void> {
  await operator.stop();
  operator = await world.startOperator({ settings: { pendingQuietMs: HOUR } });
}

test('a sandbox becomes ready at the cost of two writes', async () => {
  await countWrites();
  const sandbox = await aReadySandbox();
  const pod = await world.pod(() => true);
  expect(pod.metadata.ownerReferences).toMatchObject([
    { kind: 'Sandbox', name: 'box', uid: sandbox.metadata.uid, controller: true },
  ]);
  expect(sandbox.status).toMatchObject({
    reason: 'ExecutorAnswering',
    podName: 'box',
    podUID: pod.metadata.uid,
    nodeName: 'node-1',
  });
  expect(operator.recording.writesTo('box')).toEqual(['create Pod', 'patch Sandbox']);
});

test('a sandbox without the finalizer gets it before its pod', async () => {
  await countWrites();
  await world.createTemplate();
  await world.create(SANDBOXES, aSandbox({ metadata: { finalizers: [] } }));
  const { metadata } = await world.sandbox(isReady);
  expect(metadata.finalizers).toEqual(['sandbox.ai/cleanup']);
  expect(operator.recording.writesTo('box')).toEqual([
    'patch Sandbox',
    'create Pod',
    'patch Sandbox',
  ]);
});

test('a sandbox whose template comes later starts then', async () => {
  await world.create(SANDBOXES, aSandbox());
  world.clock.skip(2_000);
  await world.sandbox(({ status }) => status?.reason === 'TemplateNotFound');
  await world.createTemplate();
  await world.sandbox(isReady);
});

test('a start that takes too long fails, and leaves no pod', async () => {
  world.kubelet.holdsStarts = true;
  await world.createTemplate();
  await world.create(SANDBOXES, aSandbox());
  await world.pod(() => true);
  world.clock.skip(121_000);
  const { status } = await world.sandbox((sandbox) => sandbox.status?.phase === 'Failed');
  expect(status?.reason).toBe('StartTimeout');
  await world.gone(world.caches.pods, 'box');
});

test('an idle sandbox ends, and its pod goes', async () => {
  await aReadySandbox({ timeouts: { idleSeconds: 600 } });
  world.clock.skip(600_000);
  const { status } = await world.sandbox((sandbox) => sandbox.status?.phase === 'Terminated');
  expect(status?.reason).toBe('IdleTimeout');
  await world.gone(world.caches.pods, 'box');
});

test('a sandbox whose executor was used lives on', async () => {
  const { status: before } = await aReadySandbox({ timeouts: { idleSeconds: 600 } });
  world.clock.skip(590_000);
  world.executors.use(before?.podUID ?? '');
  world.clock.skip(10_000);
  const { status } = await world.sandbox(
    (sandbox) => sandbox.status?.idleDeadline !== before?.idleDeadline,
  );
  expect(status?.phase).toBe('Running');
});

test('a sandbox ends with its lifetime, used or not', async () => {
  const { status: before } = await aReadySandbox({ timeouts: { idleSeconds: 0 } });
  world.executors.use(before?.podUID ?? '');
  world.clock.skip(6 * HOUR);
  const { status } = await world.sandbox((sandbox) => sandbox.status?.phase === 'Terminated');
  expect(status?.reason).toBe('LifetimeExceeded');
  await world.gone(world.caches.pods, 'box');
});

test('a sandbox that its user terminates ends, and its pod goes', async () => {
  await aReadySandbox();
  const body = { spec: { desiredState: 'Terminated' } };
  await world.client.patch(SANDBOXES, BOX, { kind: 'merge', body });
  const { status } = await world.sandbox((sandbox) => sandbox.status?.phase === 'Terminated');
  expect(status?.reason).toBe('TerminatedByUser');
  await world.gone(world.caches.pods, 'box');
});

test('a deleted sandbox goes after its pod, not before', async () => {
  world.kubelet.holdsDeletions = true;
  await aReadySandbox();
  await world.client.delete(SANDBOXES, BOX);
  const pod = await world.pod(({ metadata }) => metadata.deletionTimestamp !== undefined);
  expect(await world.client.get(SANDBOXES, BOX)).toBeDefined();
  await world.client.delete(PODS, BOX, { uid: pod.metadata.uid, gracePeriodSeconds: 0 });
  await world.gone(world.caches.sandboxes, 'box');
});

test.each([
  ['killed for its memory', 'OOMKilled'],
  ['ended', 'Error'],
])('a pod whose container was %s is replaced', async (_what, reason) => {
  const { status: before } = await aReadySandbox();
  const pod = await world.pod(() => true);
  await world.kubelet.endContainer(pod, { exitCode: 137, reason });
  const { status } = await world.sandbox(
    (sandbox) => isReady(sandbox) && sandbox.status?.podName === 'box-1',
  );
  expect(status?.restarts).toBe(1);
  expect(status?.podUID).not.toBe(before?.podUID);
  await world.gone(world.caches.pods, 'box');
});

test('a pod that is deleted is replaced, though it is stuck in its deletion', async () => {
  await aReadySandbox();
  world.kubelet.holdsDeletions = true;
  await world.client.delete(PODS, BOX);
  await world.sandbox((sandbox) => isReady(sandbox) && sandbox.status?.podName === 'box-1');
  expect(await world.client.get(PODS, BOX)).toBeDefined();
});

test('a pod whose executor falls silent is replaced', async () => {
  const { status: before } = await aReadySandbox();
  world.executors.silence(before?.podUID ?? '');
  world.clock.skip(30_000);
  // The first unanswered question starts the patience; the clock must not jump over it.
  await world.unanswered(before?.podUID ?? '');
  world.clock.skip(15_000);
  await world.sandbox((sandbox) => isReady(sandbox) && sandbox.status?.podName === 'box-1');
});

test('a pod name that is taken is passed over', async () => {
  await world.createTemplate();
  const spec = { containers: [{ name: 'other', image: 'other' }] };
  await world.client.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata: BOX, spec });
  await world.create(SANDBOXES, aSandbox());
  const { status } = await world.sandbox(isReady);
  expect(status?.podName).toBe('box-1');
});

test('a template shows whether it can be used and how many sandboxes live from it', async () => {
  await operator.stop();
  operator = await world.startOperator({ settings: { countDelayMs: 0 } });
  await aReadySandbox();
  const { name } = aTemplate().metadata;
  const template = await world.template(({ status }) => status?.sandboxes === 1, name);
  expect(template.status?.conditions).toMatchObject([{ type: 'Ready', status: 'True' }]);
  await world.client.delete(SANDBOXES, BOX);
  await world.gone(world.caches.sandboxes, 'box');
  await world.template(({ status }) => status?.sandboxes === 0, name);
  expect(operator.recording.writesTo(name).length).toBeLessThanOrEqual(3);
});

test('a template that is deleted while in use takes no sandbox with it, and says so in an event', async () => {
  await aReadySandbox();
  await world.client.delete(SANDBOX_TEMPLATES, { ...BOX, name: 'python-basic' });
  await world.gone(world.caches.templates, 'python-basic');
  await world.event('DeletedWhileInUse');
  expect(world.caches.sandboxes.get(BOX)?.status?.phase).toBe('Running');
});

test.each([
  ['who shares the cache of pods, as a kubelet does, finds in them how they are started', {}, true],
  ['the operator alone keeps of pods no more than it reads', undefined, false],
] as const)('%s', async (_what, podIndexes, hasVariables) => {
  const { client, logger, clock } = world;
  const metrics = createRuntimeMetrics(new Registry());
  const shared = { client, logger, clock, metrics, random: Math.random, namespace: 'default' };
  const { pods } = createCaches({ ...shared, podIndexes });
  pods.start();
  await world.createTemplate();
  await world.create(SANDBOXES, aSandbox());
  const pod = await waitFor(pods, BOX, { until: () => true });
  await pods.stop();
  expect(pod.spec.containers[0]?.env !== undefined).toBe(hasVariables);
});
