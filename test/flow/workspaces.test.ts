import { text } from 'node:stream/consumers';
import { EXECUTIONS } from '../../crds/execution.ts';
import { SANDBOXES } from '../../crds/sandbox.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import type { StoredWorkspaces } from '../../storage/workspaces/stored-workspaces.ts';
import { anExecution } from '../builders/execution.ts';
import { aSandbox } from '../builders/sandbox.ts';
import type { FailingStore } from '../fakes/failing-store.ts';
import type { FakeFiles } from '../fakes/files.ts';
import { temporaryFiles } from '../fakes/temporary-files.ts';
import { isReady, type RunningOperator, World } from './world.ts';

/** Files outlive their pods: the whole operator, a folder as object store, and executors that keep files in memory. */

const BOX = { namespace: 'default', name: 'box' };
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

async function aReadySandbox(name = 'box', spec: object = {}): Promise<Sandbox> {
  await world.createTemplate().catch(() => undefined);
  await world.create(SANDBOXES, aSandbox({ metadata: { name }, spec }));
  return world.sandbox(isReady, name);
}

const uidOf = ({ metadata }: Sandbox): string => metadata.uid;
const filesOf = ({ status }: Sandbox): FakeFiles => world.executors.workspace(status?.podUID ?? '');

async function readStored(sandbox: Sandbox, file: string): Promise<string> {
  const { content } = await stored.openFile(uidOf(sandbox), file);
  return text(content);
}

/** A run that writes files. */
async function run(name: string, files: Readonly<Record<string, string>>): Promise<void> {
  world.executors.script = () => {
    const pod = world.caches.pods.list().find(({ metadata }) => world.executors.isUp(metadata.uid));
    for (const [file, content] of Object.entries(files))
      world.executors.workspace(pod?.metadata.uid ?? '').set(file, content);
    return { workspaceChanged: true };
  };
  await world.create(EXECUTIONS, anExecution({ metadata: { name } }));
  await world.execution(({ status }) => status?.finishedAt !== undefined, name);
}

async function losePod(): Promise<Sandbox> {
  const before = await world.sandbox(isReady);
  const pod = await world.pod(
    ({ metadata }) => metadata.uid === before.status?.podUID,
    before.status?.podName,
  );
  await world.kubelet.endContainer(pod, { exitCode: 137, reason: 'Error' });
  return world.sandbox(
    (sandbox) => isReady(sandbox) && sandbox.status?.podUID !== before.status?.podUID,
  );
}

test('what a run wrote is stored after it, and is there again when its pod was lost', async () => {
  const sandbox = await aReadySandbox();
  await run('run', { 'out/a.txt': 'one', '.hidden': 'two' });
  await store.stored(uidOf(sandbox));
  expect(await readStored(sandbox, 'out/a.txt')).toBe('one');
  const after = await losePod();
  expect(filesOf(after).get('out/a.txt')).toBe('one');
  expect(filesOf(after).get('.hidden')).toBe('two');
  expect(after.status?.conditions).toContainEqual(
    expect.objectContaining({
      type: 'WorkspaceRestored',
      status: 'True',
      message: '2 files of 6 bytes',
    }),
  );
});

test('a run that changed nothing asks for nothing, and none costs a further write', async () => {
  await aReadySandbox();
  operator.recording.writesTo('run');
  world.executors.script = () => ({ workspaceChanged: false });
  await world.create(EXECUTIONS, anExecution());
  await world.execution(({ status }) => status?.finishedAt !== undefined);
  expect(operator.recording.writesTo('box')).toEqual(['create Pod', 'patch Sandbox']);
  expect(operator.recording.writesTo('run')).toEqual(['patch Execution']);
  expect(store.puts).toBe(0);
});

test('what an operator before this one did not come to store is stored by the next', async () => {
  const sandbox = await aReadySandbox();
  store.fails = true;
  await run('run', { 'a.txt': 'one' });
  await operator.stop();
  store.fails = false;
  operator = await world.startOperator({ stored });
  await store.stored(uidOf(sandbox));
  expect(await readStored(sandbox, 'a.txt')).toBe('one');
});

test('files that a client changed are stored', async () => {
  const sandbox = await aReadySandbox();
  filesOf(sandbox).set('uploaded.txt', 'up');
  const annotations = { 'sandbox.ai/files-changed-at': '2026-01-01T00:00:00.000Z' };
  await world.client.patch(SANDBOXES, BOX, { kind: 'merge', body: { metadata: { annotations } } });
  await store.stored(uidOf(sandbox));
  expect(await readStored(sandbox, 'uploaded.txt')).toBe('up');
});

test('runs go on while the store is away, which is told, and nothing is lost once it is back', async () => {
  const sandbox = await aReadySandbox();
  store.fails = true;
  await run('run', { 'a.txt': 'one' });
  await store.asked();
  world.clock.skip(11_000);
  await world.sandbox(({ status }) =>
    (status?.conditions ?? []).some(
      ({ type, reason }) => type === 'WorkspaceStored' && reason === 'StorageUnavailable',
    ),
  );
  await run('run-2', { 'b.txt': 'two' });
  store.fails = false;
  world.clock.skip(20_000);
  await store.stored(uidOf(sandbox));
  expect(await readStored(sandbox, 'a.txt')).toBe('one');
  expect(await readStored(sandbox, 'b.txt')).toBe('two');
  await world.sandbox(({ status }) =>
    (status?.conditions ?? []).some(
      ({ type, status: state }) => type === 'WorkspaceStored' && state === 'True',
    ),
  );
});

test('a pod that replaces another is not ready before the store is back', async () => {
  const sandbox = await aReadySandbox();
  await run('run', { 'a.txt': 'one' });
  await store.stored(uidOf(sandbox));
  store.fails = true;
  const pod = await world.pod(() => true);
  await world.kubelet.endContainer(pod, { exitCode: 137, reason: 'Error' });
  await world.sandbox(({ status }) => status?.reason === 'WorkspaceRestoring');
  world.clock.skip(200_000);
  store.fails = false;
  const after = await world.sandbox(isReady);
  expect(filesOf(after).get('a.txt')).toBe('one');
});

test('the last changes are stored before the pod of a terminated sandbox goes, and stay', async () => {
  const sandbox = await aReadySandbox();
  filesOf(sandbox).set('last.txt', 'word');
  await world.client.patch(SANDBOXES, BOX, {
    kind: 'merge',
    body: { spec: { desiredState: 'Terminated' } },
  });
  await world.gone(world.caches.pods, 'box');
  expect(await readStored(sandbox, 'last.txt')).toBe('word');
});

test('a stop waits for the store only so long, and says what was lost', async () => {
  await aReadySandbox();
  store.fails = true;
  await world.client.patch(SANDBOXES, BOX, {
    kind: 'merge',
    body: { spec: { desiredState: 'Terminated' } },
  });
  await store.asked();
  expect(world.caches.pods.get(BOX)).toBeDefined();
  world.clock.skip(61_000);
  await world.gone(world.caches.pods, 'box');
  const { status } = await world.sandbox(({ status: seen }) =>
    (seen?.conditions ?? []).some(({ reason }) => reason === 'StoreTimeout'),
  );
  expect(status?.phase).toBe('Terminated');
  await world.event('StoreTimeout');
});

test('deleting a sandbox removes what is stored of it, and of no other', async () => {
  const one = await aReadySandbox();
  await run('run', { 'a.txt': 'one' });
  await store.stored(uidOf(one));
  await stored.putManifest(`${uidOf(one)}0`, { files: [] });
  await world.client.delete(SANDBOXES, BOX);
  await world.gone(world.caches.sandboxes, 'box');
  expect((await store.list('sessions/')).objects).toEqual([]);
  expect((await store.list('manifests/')).objects.map(({ key }) => key)).toEqual([
    `manifests/${uidOf(one)}0.json`,
  ]);
});

test('a deleted sandbox goes once the store that is away is back', async () => {
  await aReadySandbox();
  store.fails = true;
  await world.client.delete(SANDBOXES, BOX);
  await world.gone(world.caches.pods, 'box');
  await store.asked();
  expect(await world.client.get(SANDBOXES, BOX)).toBeDefined();
  store.fails = false;
  world.clock.skip(20_000);
  await world.gone(world.caches.sandboxes, 'box');
});
