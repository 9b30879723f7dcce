import { EXECUTIONS, isFinished } from '../../crds/execution.ts';
import { SANDBOXES } from '../../crds/sandbox.ts';
import { PODS } from '../../kube/pod.ts';
import { anExecution } from '../builders/execution.ts';
import { aPodOf } from '../builders/pod.ts';
import { aSandbox } from '../builders/sandbox.ts';
import type { Fault } from '../fakes/recording-client.ts';
import { isReady, World } from './world.ts';

/** What must hold whatever breaks: nothing is lost, nothing leaks, no code runs twice. */

const BOX = { namespace: 'default', name: 'box' };
let world: World;

beforeEach(async () => {
  world = await World.open();
  await world.createTemplate();
});

afterEach(() => world.close());

async function aRunningExecution() {
  world.executors.script = () => 'hangs';
  await world.create(SANDBOXES, aSandbox());
  await world.sandbox(isReady);
  const { metadata } = await world.create(EXECUTIONS, anExecution());
  await world.started(metadata.uid);
  return metadata.uid;
}

test('a pod whose sandbox went while nobody looked is removed', async () => {
  const gone = aSandbox({ metadata: { name: 'gone', uid: 'uid-gone' } });
  const { apiVersion, kind, metadata, spec } = aPodOf(gone);
  const { name, labels = {}, ownerReferences = [] } = metadata;
  const pod = {
    apiVersion,
    kind,
    metadata: { name, namespace: 'default', labels, ownerReferences },
    spec,
  };
  const seen = world.pod(() => true, name);
  await world.client.create(PODS, pod);
  await seen;
  await world.startOperator();
  await world.gone(world.caches.pods, name);
});

describe('a restart of the operator', () => {
  test('between creation and pod loses nothing', async () => {
    await world.create(SANDBOXES, aSandbox());
    await world.create(EXECUTIONS, anExecution());
    await world.startOperator();
    const { status } = await world.execution(isFinished);
    expect(status?.phase).toBe('Completed');
  });

  test('while the pod starts makes no second one', async () => {
    world.kubelet.holdsStarts = true;
    const first = await world.startOperator();
    await world.create(SANDBOXES, aSandbox());
    const pod = await world.pod(() => true);
    await first.stop();
    await world.startOperator();
    await world.kubelet.start(pod);
    const { status } = await world.sandbox(isReady);
    expect(status).toMatchObject({ podUID: pod.metadata.uid, podName: 'box' });
    expect(status?.restarts ?? 0).toBe(0);
  });

  test('during a run that is recorded takes it up again', async () => {
    const first = await world.startOperator();
    const uid = await aRunningExecution();
    world.clock.skip(1_000);
    await world.execution((execution) => execution.status?.phase === 'Running');
    await first.stop();
    await world.startOperator();
    world.executors.finish(uid);
    const { status } = await world.execution(isFinished);
    expect(status?.phase).toBe('Completed');
    expect(world.executors.starts).toHaveLength(1);
  });

  test('during a run that nobody recorded does not start it twice', async () => {
    const first = await world.startOperator();
    const uid = await aRunningExecution();
    await first.stop();
    await world.startOperator();
    world.executors.finish(uid, { returnValue: 'once' });
    const { status } = await world.execution(isFinished);
    expect(status).toMatchObject({ phase: 'Completed', returnValue: 'once' });
    expect(world.executors.starts).toHaveLength(1);
  });

  test('finds the outcome of a run that ended meanwhile', async () => {
    const first = await world.startOperator();
    const uid = await aRunningExecution();
    await first.stop();
    world.executors.finish(uid, { returnValue: 1 });
    await world.startOperator();
    expect((await world.execution(isFinished)).status?.returnValue).toBe(1);
  });

  test('while the pod is lost ends the run as crashed, and the sandbox serves again', async () => {
    const first = await world.startOperator();
    await aRunningExecution();
    await first.stop();
    await world.client.delete(PODS, BOX);
    await world.gone(world.caches.pods, 'box');
    world.executors.script = () => ({});
    await world.startOperator();
    const { status } = await world.execution(isFinished);
    expect(status).toMatchObject({ phase: 'Crashed', reason: 'ExecutorLost' });
    await world.sandbox((sandbox) => isReady(sandbox) && sandbox.status?.podName === 'box-1');
    expect(world.executors.starts).toHaveLength(1);
  });

  test('does not miss an end that came due meanwhile', async () => {
    const first = await world.startOperator();
    await world.create(SANDBOXES, aSandbox({ spec: { timeouts: { lifetimeSeconds: 60 } } }));
    await world.sandbox(isReady);
    await first.stop();
    world.clock.skip(3_600_000);
    await world.startOperator();
    const { status } = await world.sandbox((sandbox) => sandbox.status?.phase === 'Terminated');
    expect(status?.reason).toBe('LifetimeExceeded');
    await world.gone(world.caches.pods, 'box');
  });

  test('finishes a deletion that was begun', async () => {
    world.kubelet.holdsDeletions = true;
    const first = await world.startOperator();
    await world.create(SANDBOXES, aSandbox());
    await world.sandbox(isReady);
    await world.client.delete(SANDBOXES, BOX);
    const pod = await world.pod(({ metadata }) => metadata.deletionTimestamp !== undefined);
    await first.stop();
    await world.client.delete(PODS, BOX, { uid: pod.metadata.uid, gracePeriodSeconds: 0 });
    await world.startOperator();
    await world.gone(world.caches.sandboxes, 'box');
  });
});

describe('two operators at once', () => {
  test('make one pod and start each execution once', async () => {
    await world.startOperator();
    await world.startOperator();
    await world.create(SANDBOXES, aSandbox());
    await world.sandbox(isReady);
    const names = ['one', 'two', 'three'];
    for (const name of names) {
      await world.create(EXECUTIONS, anExecution({ metadata: { name } }));
    }
    for (const name of names) {
      expect((await world.execution(isFinished, name)).status?.phase).toBe('Completed');
    }
    expect(world.executors.starts).toHaveLength(3);
    expect((await world.client.list(PODS)).items).toHaveLength(1);
  });

  test('with a lease act one after the other', async () => {
    const lease = { namespace: 'default', name: 'sandbox-operator' };
    const leader = await world.startOperator({ lease, identity: 'leader' });
    await world.create(SANDBOXES, aSandbox());
    await world.sandbox(isReady);
    const standby = await world.startOperator({ lease, identity: 'standby' });
    expect(standby.recording.writesTo('box')).toEqual([]);
    await leader.stop();
    world.clock.skip(2_500);
    await world.create(EXECUTIONS, anExecution());
    expect((await world.execution(isFinished)).status?.phase).toBe('Completed');
    expect(leader.recording.writesTo('run')).toEqual([]);
  });
});

describe('an API server in trouble', () => {
  test.each<[string, Fault]>([
    ['refuses every other write', 'unavailable'],
    ['loses the answer to every other write', 'answerLost'],
  ])('that %s delays things and changes nothing', async (_what, fault) => {
    const { recording } = await world.startOperator();
    let count = 0;
    recording.faultFor = () => ((count += 1) % 2 === 1 ? fault : undefined);
    await world.create(SANDBOXES, aSandbox());
    await world.create(EXECUTIONS, anExecution());
    const { status } = await world.execution(isFinished);
    expect(status?.phase).toBe('Completed');
    expect(world.executors.starts).toHaveLength(1);
    expect((await world.client.list(PODS)).items).toHaveLength(1);
    await world.client.delete(SANDBOXES, BOX);
    await world.gone(world.caches.sandboxes, 'box');
    expect((await world.client.list(PODS)).items).toEqual([]);
    expect((await world.client.list(EXECUTIONS)).items).toEqual([]);
  });
});

test('a sandbox whose pod exceeds a quota waits for its room, and gets it', async () => {
  const operator = await world.startOperator();
  let isFull = true;
  operator.recording.faultFor = ({ verb, kind }) =>
    isFull && verb === 'create' && kind === 'Pod' ? 'quota' : undefined;
  await world.create(SANDBOXES, aSandbox());
  const tried = await world.sandbox(({ metadata }) => metadata.finalizers !== undefined);
  expect(tried.status?.phase).not.toBe('Failed');
  world.clock.skip(2_000);
  const { status } = await world.sandbox((sandbox) => sandbox.status?.reason === 'QuotaExceeded');
  expect(status).toMatchObject({
    phase: 'Pending',
    message:
      'the ResourceQuota sandboxes has no room: the pod wants limits.cpu=1, and all together may have limits.cpu=2',
  });
  isFull = false;
  world.clock.skip(10_000);
  await world.sandbox(isReady);
  const creates = operator.recording.writes.filter(({ kind }) => kind === 'Pod');
  expect(creates.length).toBeGreaterThan(1);
});

test('a sandbox that never gets room in a quota fails for it', async () => {
  const operator = await world.startOperator();
  operator.recording.faultFor = ({ kind }) => (kind === 'Pod' ? 'quota' : undefined);
  await world.create(SANDBOXES, aSandbox());
  await world.sandbox(({ metadata }) => metadata.finalizers !== undefined);
  world.clock.skip(2_000);
  await world.sandbox((sandbox) => sandbox.status?.reason === 'QuotaExceeded');
  world.clock.skip(120_000);
  const { status } = await world.sandbox((sandbox) => sandbox.status?.phase === 'Failed');
  expect(status).toMatchObject({ reason: 'QuotaExceeded' });
});
