import { EXECUTIONS, isFinished } from '../../crds/execution.ts';
import { SANDBOXES } from '../../crds/sandbox.ts';
import { SANDBOX_TEMPLATES } from '../../crds/sandbox-template.ts';
import { anExecution } from '../builders/execution.ts';
import type { ExecutionOverrides } from '../builders/execution.ts';
import { aSandbox } from '../builders/sandbox.ts';
import { isReady, isRunning, World } from './world.ts';
import type { RunningOperator } from './world.ts';

/** The life of an execution, with the whole operator against an API server. */

const BOX = { namespace: 'default', name: 'box' };
const RUN = { namespace: 'default', name: 'run' };
let world: World;
let operator: RunningOperator;

beforeEach(async () => {
  world = await World.open();
  operator = await world.startOperator();
  await world.createTemplate();
  await world.create(SANDBOXES, aSandbox());
});

afterEach(() => world.close());

function run(overrides: ExecutionOverrides = {}) {
  return world.create(EXECUTIONS, anExecution(overrides));
}

/** Hangs, and lasts long enough to be reported. */
async function aRunningExecution(overrides: ExecutionOverrides = {}) {
  world.executors.script = () => 'hangs';
  await world.sandbox(isReady);
  const { metadata } = await run(overrides);
  await world.started(metadata.uid);
  world.clock.skip(1_000);
  return world.execution(isRunning);
}

test('a short run costs one write, and its result arrives whole', async () => {
  // However slow the machine, no run is long here.
  await operator.stop();
  operator = await world.startOperator({ settings: { runningAfterMs: 3_600_000 } });
  const returnValue = { a: null, list: [null, { b: null }], text: 'é\u0000' };
  world.executors.script = () => ({ returnValue });
  await world.sandbox(isReady);
  await run();
  const { status } = await world.execution(isFinished);
  expect(status).toMatchObject({ phase: 'Completed', exitCode: 0, podName: 'box', attempts: 1 });
  expect(status?.returnValue).toEqual(returnValue);
  expect(operator.recording.writesTo('run')).toEqual(['patch Execution']);
});

test.each([
  ['null', null],
  ['false', false],
  ['zero', 0],
  ['nothing', ''],
])('a handler may return %s', async (_what, returnValue) => {
  world.executors.script = () => ({ returnValue });
  await run();
  const { status } = await world.execution(isFinished);
  expect(status).toHaveProperty('returnValue', returnValue);
});

test('an execution that is created before its sandbox is ready runs as soon as it is', async () => {
  await run();
  const { status } = await world.execution(isFinished);
  expect(status?.phase).toBe('Completed');
});

test('a run that lasts is shown as Running, then as what it came to', async () => {
  const { status: running } = await aRunningExecution();
  expect(running?.podUID).toBe((await world.pod(() => true)).metadata.uid);
  world.executors.finish(world.executors.starts[0]?.id ?? '', { exitCode: 0 });
  const { status } = await world.execution(isFinished);
  expect(status?.phase).toBe('Completed');
  expect(operator.recording.writesTo('run')).toEqual(['patch Execution', 'patch Execution']);
});

test('executions of one sandbox run beside each other', async () => {
  await aRunningExecution();
  await run({ metadata: { name: 'second' } });
  await world.started((await world.execution(() => true, 'second')).metadata.uid);
  expect(world.executors.starts).toHaveLength(2);
});

test('a running execution is cancelled by its executor, and keeps what it had written', async () => {
  await aRunningExecution();
  await world.client.patch(EXECUTIONS, RUN, { kind: 'merge', body: { spec: { cancel: true } } });
  const { status } = await world.execution(isFinished);
  expect(status).toMatchObject({ phase: 'Cancelled', reason: 'Cancelled', exitCode: 143 });
});

test('a waiting execution is cancelled at once', async () => {
  world.kubelet.holdsStarts = true;
  await run({ spec: { cancel: true } });
  const { status } = await world.execution(isFinished);
  expect(status).toMatchObject({ phase: 'Cancelled', reason: 'Cancelled' });
  expect(world.executors.starts).toEqual([]);
});

test('a run whose outcome never comes is given up after its timeout', async () => {
  await aRunningExecution({ spec: { timeoutSeconds: 5 } });
  world.clock.skip(36_000);
  const { status } = await world.execution(isFinished);
  expect(status).toMatchObject({ phase: 'Crashed', reason: 'ExecutorLost' });
});

test('a run ends with its pod, and the next one has a new pod', async () => {
  await aRunningExecution();
  const pod = await world.pod(() => true);
  await world.kubelet.endContainer(pod, { exitCode: 137, reason: 'OOMKilled' });
  world.executors.script = () => ({});
  await run({ metadata: { name: 'next' } });
  const { status } = await world.execution(isFinished);
  expect(status).toMatchObject({ phase: 'Failed', reason: 'OOMKilled', podUID: pod.metadata.uid });
  const next = await world.execution(isFinished, 'next');
  expect(next.status).toMatchObject({ phase: 'Completed', podName: 'box-1' });
});

test.each([
  ['is terminated', { desiredState: 'Terminated' }],
  ['reaches its lifetime', { timeouts: { lifetimeSeconds: 1 } }],
])('a run is cancelled when its sandbox %s', async (_what, spec) => {
  await aRunningExecution();
  await world.client.patch(SANDBOXES, BOX, { kind: 'merge', body: { spec } });
  const { status } = await world.execution(isFinished);
  expect(status).toMatchObject({ phase: 'Cancelled', reason: 'Cancelled' });
});

test('an execution on a sandbox that has ended does not begin', async () => {
  await world.client.patch(SANDBOXES, BOX, {
    kind: 'merge',
    body: { spec: { desiredState: 'Terminated' } },
  });
  await world.sandbox((sandbox) => sandbox.status?.phase === 'Terminated');
  await run();
  const { status } = await world.execution(isFinished);
  expect(status).toMatchObject({ phase: 'Cancelled', reason: 'SandboxNotActive' });
});

test('an execution on a sandbox that does not exist fails after a moment', async () => {
  await run({ spec: { sandboxRef: { name: 'nobody' } } });
  await world.execution(() => true);
  world.clock.skip(6_000);
  const { status } = await world.execution(isFinished);
  expect(status).toMatchObject({ phase: 'Failed', reason: 'SandboxNotFound' });
});

test('executions are deleted with their sandbox, and a run does not go on', async () => {
  await aRunningExecution();
  await world.client.delete(SANDBOXES, BOX);
  await world.gone(world.caches.executions, 'run');
  await world.gone(world.caches.sandboxes, 'box');
  await world.gone(world.caches.pods, 'box');
});

test('a deleted execution is cancelled at its executor', async () => {
  const { metadata } = await aRunningExecution();
  await world.client.delete(EXECUTIONS, RUN);
  await world.cancelled(metadata.uid);
});

test('a finished execution is deleted after its TTL', async () => {
  await run({ spec: { ttlSecondsAfterFinished: 60 } });
  await world.execution(isFinished);
  world.clock.skip(61_000);
  await world.gone(world.caches.executions, 'run');
});

test('an answer that the server will not store ends the run all the same', async () => {
  world.executors.script = () => ({ metrics: { durationMs: -1 } });
  await run();
  const { status } = await world.execution(isFinished);
  expect(status).toMatchObject({ phase: 'Failed', reason: 'ReturnValueNotSerializable' });
});

describe('in a sandbox that runs two at once', () => {
  const NAMES = ['a', 'b', 'c', 'd'] as const;

  async function limit(maxConcurrent: number): Promise<void> {
    const body = { spec: { executions: { maxConcurrent } } };
    const ref = { namespace: 'default', name: 'python-basic' };
    await world.client.patch(SANDBOX_TEMPLATES, ref, { kind: 'merge', body });
    await world.template(
      ({ spec }) => spec.executions.maxConcurrent === maxConcurrent,
      'python-basic',
    );
  }

  /** Their executor runs each until it is told otherwise. */
  async function fourThatHang(): Promise<readonly string[]> {
    world.executors.script = () => 'hangs';
    await limit(2);
    await world.sandbox(isReady);
    const uids: string[] = [];
    for (const name of NAMES) uids.push((await run({ metadata: { name } })).metadata.uid);
    await begun(2);
    return uids;
  }

  function started(): readonly string[] {
    return world.executors.starts.map(({ id }) => id);
  }

  async function begun(count: number): Promise<void> {
    await world.executors.until(() => world.executors.starts.length >= count);
  }

  /** Also says it of a wait, once that has lasted. */
  async function told(name: string): Promise<void> {
    world.clock.skip(1_500);
    await world.execution(({ status }) => status?.reason === 'Queued', name);
  }

  test('the others wait for their turn, are told once, and begin in the order of their creation', async () => {
    const uids = await fourThatHang();
    await told('c');
    await told('d');
    expect(started()).toEqual(uids.slice(0, 2));
    world.executors.finish(uids[1] ?? '');
    await begun(3);
    world.executors.finish(uids[0] ?? '');
    await begun(4);
    expect(started()).toEqual(uids);
    for (const uid of uids) world.executors.finish(uid);
    for (const name of NAMES) {
      const { status } = await world.execution(isFinished, name);
      expect(status).toMatchObject({ phase: 'Completed', reason: 'Completed' });
    }
    const writes = operator.recording.writesTo('d').length;
    expect(writes).toBeLessThanOrEqual(3);
  });

  test('one that is cancelled while it waits never begins, and one that is deleted neither', async () => {
    const uids = await fourThatHang();
    const cancel = { spec: { cancel: true } };
    await world.client.patch(
      EXECUTIONS,
      { namespace: 'default', name: 'c' },
      { kind: 'merge', body: cancel },
    );
    const { status } = await world.execution(isFinished, 'c');
    expect(status).toMatchObject({ phase: 'Cancelled', message: 'cancelled before it started' });
    await world.client.delete(EXECUTIONS, { namespace: 'default', name: 'd' });
    await world.gone(world.caches.executions, 'd');
    await run({ metadata: { name: 'e' } });
    world.executors.finish(uids[0] ?? '');
    await begun(3);
    const last = await world.execution(() => true, 'e');
    expect(started()).toEqual([...uids.slice(0, 2), last.metadata.uid]);
  });

  test('one that is deleted while it runs makes room', async () => {
    const uids = await fourThatHang();
    await world.client.delete(EXECUTIONS, { namespace: 'default', name: 'a' });
    await begun(3);
    expect(started()).toEqual(uids.slice(0, 3));
  });

  test('a larger limit lets the waiting begin at once', async () => {
    const uids = await fourThatHang();
    await limit(4);
    await begun(4);
    expect([...started()].sort()).toEqual([...uids].sort());
  });

  test('another leader goes on with those that run and lets no more begin', async () => {
    const uids = await fourThatHang();
    await operator.stop();
    operator = await world.startOperator();
    await told('d');
    expect(started()).toEqual(uids.slice(0, 2));
    world.executors.finish(uids[0] ?? '');
    await begun(3);
    expect(started()).toEqual(uids.slice(0, 3));
  });
});
