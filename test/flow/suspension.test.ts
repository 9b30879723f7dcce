import { EXECUTIONS } from '../../crds/execution.ts';
import { SANDBOXES } from '../../crds/sandbox.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import { SANDBOX_TEMPLATES } from '../../crds/sandbox-template.ts';
import { findCondition } from '../../kube/conditions.ts';
import { ConflictError } from '../../kube/errors.ts';
import { writeStatus } from '../../operator/status-writer.ts';
import type { StoredWorkspaces } from '../../storage/workspaces/stored-workspaces.ts';
import { anExecution } from '../builders/execution.ts';
import { aSandbox } from '../builders/sandbox.ts';
import type { FailingStore } from '../fakes/failing-store.ts';
import type { FakeFiles } from '../fakes/files.ts';
import { temporaryFiles } from '../fakes/temporary-files.ts';
import { isReady, type RunningOperator, World } from './world.ts';

/** Suspended and resumed: the whole operator, a folder as object store, and executors that keep files in memory. */

const BOX = { namespace: 'default', name: 'box' };
const HALF_AN_HOUR_MS = 1_800_000;
let world: World;
let operator: RunningOperator;
let store: FailingStore;
let stored: StoredWorkspaces;
let removeFiles: () => void;

beforeEach(async () => {
  ({ store, stored, removeFiles } = temporaryFiles());
  world = await World.open();
  operator = await world.startOperator({ stored });
});

afterEach(async () => {
  await world.close();
  removeFiles();
});

async function aReadySandbox(spec: object = {}): Promise<Sandbox> {
  await world.createTemplate();
  await world.create(SANDBOXES, aSandbox({ spec }));
  return world.sandbox(isReady);
}

async function desire(desiredState: Sandbox['spec']['desiredState']): Promise<void> {
  await world.client.patch(SANDBOXES, BOX, { kind: 'merge', body: { spec: { desiredState } } });
}

const isSuspended = ({ status }: Sandbox): boolean => status?.phase === 'Suspended';
const filesOf = ({ status }: Sandbox): FakeFiles => world.executors.workspace(status?.podUID ?? '');
const suspendedIn = ({ status }: Sandbox): object | undefined =>
  findCondition(status?.conditions, 'Suspended');

async function suspended(): Promise<Sandbox> {
  const sandbox = await world.sandbox(isSuspended);
  await world.gone(world.caches.pods, 'box');
  return sandbox;
}

/** Resolves when user code of it ended. */
async function finished(name = 'run'): Promise<void> {
  const { status } = await world.execution((run) => run.status?.finishedAt !== undefined, name);
  expect(status?.phase).toBe('Completed');
}

test('a suspended sandbox has no pod, and its files are there again when it serves on', async () => {
  const before = await aReadySandbox();
  filesOf(before).set('a.txt', 'one');
  await desire('Suspended');
  const { status } = await suspended();
  expect(status).toMatchObject({ reason: 'SuspendedByUser', suspensions: 1 });
  for (const gone of ['podName', 'podUID', 'nodeName', 'readyAt', 'idleDeadline', 'lostAt'])
    expect(status).not.toHaveProperty(gone);
  expect(findCondition(status?.conditions, 'Ready')).toMatchObject({
    status: 'False',
    reason: 'SuspendedByUser',
  });
  await desire('Running');
  const after = await world.sandbox(isReady);
  expect(after.status).toMatchObject({ podName: 'box-1', reason: 'ExecutorAnswering' });
  expect(after.status).not.toHaveProperty('restarts');
  expect(filesOf(after).get('a.txt')).toBe('one');
  expect(suspendedIn(after)).toMatchObject({ status: 'False', reason: 'Resumed', message: '' });
});

test('costs two statuses and the end of a pod; resuming it two statuses and a pod', async () => {
  await aReadySandbox();
  const from = operator.recording.writes.length;
  await desire('Suspended');
  await suspended();
  await desire('Running');
  await world.sandbox(isReady);
  expect(
    operator.recording.writes.slice(from).map(({ verb, kind, name }) => `${verb} ${kind} ${name}`),
  ).toEqual([
    'patch Sandbox box',
    'patch Sandbox box',
    'delete Pod box',
    'patch Sandbox box',
    'create Pod box-1',
    'patch Sandbox box',
  ]);
});

test('what was asked to run before finishes first, and what comes meanwhile too', async () => {
  await aReadySandbox();
  world.executors.script = () => 'hangs';
  const { metadata } = await world.create(EXECUTIONS, anExecution());
  await world.started(metadata.uid);
  await desire('Suspended');
  const busy = await world.sandbox((sandbox) => suspendedIn(sandbox) !== undefined);
  expect(suspendedIn(busy)).toMatchObject({ status: 'False', reason: 'ExecutionsUnfinished' });
  expect(isReady(busy)).toBe(true);
  world.executors.script = () => ({});
  await world.create(EXECUTIONS, anExecution({ metadata: { name: 'next' } }));
  await finished('next');
  world.executors.finish(metadata.uid);
  await finished();
  await suspended();
});

test('a run wakes it, in a new pod, and is not held to be lost with the old one', async () => {
  await aReadySandbox();
  await desire('Suspended');
  await suspended();
  await world.create(EXECUTIONS, anExecution());
  await finished();
  const { spec, status } = await world.sandbox(isReady);
  expect(spec.desiredState).toBe('Running');
  expect(world.executors.starts).toEqual([expect.objectContaining({ podUID: status?.podUID })]);
});

test('one that was cancelled before it began does not wake it', async () => {
  await aReadySandbox();
  await desire('Suspended');
  await suspended();
  await world.create(EXECUTIONS, anExecution({ spec: { cancel: true } }));
  await world.execution(({ status }) => status?.phase === 'Cancelled');
  expect(world.caches.sandboxes.get(BOX)?.spec.desiredState).toBe('Suspended');
});

test('idleness suspends where the sandbox or its template says so, and time suspended is not idle time', async () => {
  await aReadySandbox({ timeouts: { onIdle: 'Suspend' } });
  world.clock.skip(HALF_AN_HOUR_MS + 1_000);
  const { spec, status } = await suspended();
  expect(spec.desiredState).toBe('Suspended');
  expect(status?.reason).toBe('IdleSuspended');
  world.clock.skip(2 * HALF_AN_HOUR_MS);
  await desire('Running');
  const { status: resumed } = await world.sandbox(isReady);
  expect(Date.parse(resumed?.idleDeadline ?? '')).toBeGreaterThan(world.clock.now());
});

test('a run that comes while an idle one is being suspended keeps it', async () => {
  await aReadySandbox({ timeouts: { onIdle: 'Suspend' } });
  store.fails = true;
  world.clock.skip(HALF_AN_HOUR_MS + 1_000);
  await world.sandbox(({ status }) => status?.phase === 'Suspending');
  await world.create(EXECUTIONS, anExecution());
  await finished();
  const { spec, status } = await world.sandbox(isReady);
  expect(spec.desiredState).toBe('Running');
  expect(status?.podName).toBe('box');
});

test('a run that comes while a person has it suspended is served first', async () => {
  const { status } = await aReadySandbox();
  store.fails = true;
  await desire('Suspended');
  await world.sandbox((sandbox) => sandbox.status?.phase === 'Suspending');
  await world.create(EXECUTIONS, anExecution());
  await finished();
  expect(world.executors.starts).toEqual([expect.objectContaining({ podUID: status?.podUID })]);
  store.fails = false;
  world.clock.skip(20_000);
  await suspended();
});

test('the pod stays as long as its files cannot be stored, says so, and serves on if that is wished', async () => {
  const before = await aReadySandbox();
  filesOf(before).set('a.txt', 'one');
  store.fails = true;
  await desire('Suspended');
  await store.asked();
  world.clock.skip(120_000);
  const stuck = await world.sandbox(
    (sandbox) => findCondition(sandbox.status?.conditions, 'WorkspaceStored')?.status === 'False',
  );
  expect(stuck.status).toMatchObject({ phase: 'Suspending', podUID: before.status?.podUID });
  expect(suspendedIn(stuck)).toMatchObject({ status: 'False', reason: 'StorageUnavailable' });
  await desire('Running');
  const after = await world.sandbox(isReady);
  expect(after.status?.podUID).toBe(before.status?.podUID);
  expect(filesOf(after).get('a.txt')).toBe('one');
});

test('without an object store it serves on and says why', async () => {
  await operator.stop();
  operator = await world.startOperator();
  await aReadySandbox();
  await desire('Suspended');
  const sandbox = await world.sandbox((seen) => suspendedIn(seen) !== undefined);
  expect(suspendedIn(sandbox)).toMatchObject({ status: 'False', reason: 'NoObjectStore' });
  expect(isReady(sandbox)).toBe(true);
  await world.create(EXECUTIONS, anExecution());
  await finished();
});

test('operators that stop in the middle are followed by ones that finish it', async () => {
  const before = await aReadySandbox();
  filesOf(before).set('a.txt', 'one');
  store.fails = true;
  await desire('Suspended');
  await world.sandbox(({ status }) => status?.phase === 'Suspending');
  await store.asked();
  await operator.stop();
  store.fails = false;
  operator = await world.startOperator({ stored });
  await suspended();
  world.kubelet.holdsStarts = true;
  await desire('Running');
  await world.pod(() => true, 'box-1');
  await operator.stop();
  operator = await world.startOperator({ stored });
  world.kubelet.holdsStarts = false;
  await world.kubelet.start(await world.pod(() => true, 'box-1'));
  const after = await world.sandbox(isReady);
  expect(after.status?.podName).toBe('box-1');
  expect(filesOf(after).get('a.txt')).toBe('one');
});

test('the files that a suspended one has in the store go when it is deleted', async () => {
  const before = await aReadySandbox();
  filesOf(before).set('a.txt', 'one');
  await desire('Suspended');
  await suspended();
  expect((await store.list('sessions/')).objects).not.toEqual([]);
  await world.client.delete(SANDBOXES, BOX);
  await world.gone(world.caches.sandboxes, 'box');
  expect((await store.list('sessions/')).objects).toEqual([]);
});

test.each<[string, () => Promise<void>, object]>([
  [
    'ends with its lifetime',
    () => {
      world.clock.skip(12 * HALF_AN_HOUR_MS);
      return Promise.resolve();
    },
    { phase: 'Terminated', reason: 'LifetimeExceeded' },
  ],
  [
    'is terminated as any other',
    () => desire('Terminated'),
    { phase: 'Terminated', reason: 'TerminatedByUser' },
  ],
  [
    'fails if it cannot start again in time, with its files in the store',
    async () => {
      await world.client.delete(SANDBOX_TEMPLATES, { ...BOX, name: 'python-basic' });
      await desire('Running');
      await world.sandbox(({ status }) => status?.reason === 'TemplateNotFound');
      world.clock.skip(121_000);
    },
    { phase: 'Failed', reason: 'TemplateNotFound' },
  ],
])('a suspended one %s', async (_what, happen, expected) => {
  const before = await aReadySandbox();
  filesOf(before).set('a.txt', 'one');
  await desire('Suspended');
  await suspended();
  await happen();
  const { status, metadata } = await world.sandbox(
    (sandbox) => sandbox.status?.terminatedAt !== undefined,
  );
  expect(status).toMatchObject(expected);
  expect((await stored.manifest(metadata.uid)).files.map((file) => file.path)).toEqual(['a.txt']);
});

test('one that never served is suspended at once, and what has lost its pod too', async () => {
  await world.createTemplate();
  world.kubelet.holdsStarts = true;
  await world.create(SANDBOXES, aSandbox());
  await world.pod(() => true);
  await desire('Suspended');
  await suspended();
  world.kubelet.holdsStarts = false;
  await desire('Running');
  await world.sandbox(isReady);
  store.fails = true;
  await desire('Suspended');
  await world.sandbox(({ status }) => status?.phase === 'Suspending');
  const pod = await world.pod(() => true, 'box-1');
  await world.kubelet.endContainer(pod, { exitCode: 137, reason: 'Error' });
  await world.sandbox(isSuspended);
});

test('a change of files that a client tells of meanwhile is stored before the pod goes', async () => {
  const sandbox = await aReadySandbox();
  store.fails = true;
  await desire('Suspended');
  await store.asked();
  filesOf(sandbox).set('late.txt', 'late');
  const annotations = { 'sandbox.ai/files-changed-at': '2026-01-01T00:00:00.000Z' };
  await world.client.patch(SANDBOXES, BOX, { kind: 'merge', body: { metadata: { annotations } } });
  store.fails = false;
  world.clock.skip(20_000);
  const { metadata } = await suspended();
  const { files } = await stored.manifest(metadata.uid);
  expect(files.map((file) => file.path)).toEqual(['late.txt']);
});

test('a status that holds only of an unchanged object is refused once that has changed', async () => {
  const object = await aReadySandbox();
  const metadata = { annotations: { changed: 'yes' } };
  await world.client.patch(SANDBOXES, BOX, { kind: 'merge', body: { metadata } });
  const write = { type: SANDBOXES, object, status: { phase: 'Suspended' }, ifUnchanged: true };
  // Not an error that anybody needs to read about: it is looked at again.
  await expect(writeStatus(world.client, write)).rejects.toBeInstanceOf(ConflictError);
  expect((await world.client.get(SANDBOXES, BOX)).status?.phase).toBe('Running');
});

test('the next pod comes from the warm pool where one waits, with the files in it', async () => {
  const before = await aReadySandbox();
  filesOf(before).set('a.txt', 'one');
  await desire('Suspended');
  await suspended();
  const ref = { ...BOX, name: 'python-basic' };
  await world.client.patch(SANDBOX_TEMPLATES, ref, {
    kind: 'merge',
    body: { spec: { warmPool: { size: 1 } } },
  });
  await world.template(({ status }) => status?.warmPool?.ready === 1, 'python-basic');
  await desire('Running');
  const after = await world.sandbox(isReady);
  expect(after.status).toMatchObject({ warmStart: true });
  const pods = world.caches.pods.list();
  const pod = pods.find(({ metadata }) => metadata.uid === after.status?.podUID);
  // Its first pod may still be there: which of the two serves it, the second one says.
  expect(pod?.metadata.labels).toMatchObject({ 'sandbox.ai/incarnation': '1' });
  expect(filesOf(after).get('a.txt')).toBe('one');
});
