import { Readable } from 'node:stream';
import type { Sandbox } from '../../crds/sandbox.ts';
import type { Ending } from '../../storage/history/endings.ts';
import { StoreError } from '../../storage/objects/errors.ts';
import type { StoredWorkspaces } from '../../storage/workspaces/stored-workspaces.ts';
import { aSandbox, readyStatus } from '../../test/builders/sandbox.ts';
import { FakeClock } from '../../test/fakes/clock.ts';
import type { FailingStore } from '../../test/fakes/failing-store.ts';
import { FakeLogger } from '../../test/fakes/logger.ts';
import { temporaryFiles } from '../../test/fakes/temporary-files.ts';
import { filesTtl, purgeFiles } from './retention.ts';

const DAY_MS = 86_400_000;
let store: FailingStore;
let stored: StoredWorkspaces;
let removeFiles: () => void;
let clock: FakeClock;
let logger: FakeLogger;
let sandboxes: Sandbox[];
let past: Map<string, Ending>;

beforeEach(() => {
  ({ store, stored, removeFiles } = temporaryFiles());
  clock = new FakeClock('2026-02-01T00:00:00Z');
  logger = new FakeLogger();
  sandboxes = [];
  past = new Map();
});
afterEach(() => {
  removeFiles();
});

/** Something stored of a session of this UID. */
async function keep(id: string): Promise<void> {
  await stored.putFile(
    id,
    { path: 'a/b', size: 1 },
    { content: Readable.from([Buffer.from('x')]) },
  );
  await stored.putManifest(id, { files: [] });
}

function endedAt(uid: string, terminatedAt: string): Sandbox {
  return aSandbox({
    metadata: { name: uid, uid },
    status: { phase: 'Terminated', reason: 'IdleTimeout', terminatedAt },
  });
}

/** With files that may stay for ten days. */
async function purge(): Promise<void> {
  const endingsOf = (uids: readonly string[]): Promise<Map<string, Ending>> =>
    Promise.resolve(new Map([...past].filter(([uid]) => uids.includes(uid))));
  await purgeFiles(
    {
      stored,
      sandboxes: { list: () => sandboxes },
      endingsOf,
      filesTtlMs: 10 * DAY_MS,
      clock,
      logger,
    },
    new AbortController().signal,
  );
}

async function left(): Promise<readonly string[]> {
  const { objects } = await store.list('sessions/');
  return objects.map(({ key }) => key.split('/')[1] ?? '');
}

test.each([
  ['2026-01-21T00:00:00Z', ['one']],
  ['2026-01-31T00:00:00Z', ['one', 'two']],
])('files of a session that ended at %s: %j are left', async (at, expected) => {
  sandboxes = [aSandbox({ metadata: { uid: 'one' }, status: readyStatus() }), endedAt('two', at)];
  await keep('one');
  await keep('two');
  await purge();
  expect(await left()).toEqual(expected);
});

test('those of sessions that only history knows go when they are as old, or deleted', async () => {
  const now = Date.parse('2026-02-01T00:00:00Z');
  past = new Map([
    ['deleted', { isDeleted: true, endedAt: now }],
    ['new', { isDeleted: false, endedAt: now - DAY_MS }],
    ['old', { isDeleted: false, endedAt: now - 11 * DAY_MS }],
    ['unclear', { isDeleted: false, endedAt: undefined }],
  ]);
  for (const id of past.keys()) await keep(id);
  await purge();
  expect(await left()).toEqual(['new', 'unclear']);
  expect((await store.list('manifests/')).objects).toHaveLength(2);
});

test('those of sessions that nobody here knows are somebody else’s', async () => {
  await keep('foreign');
  await purge();
  expect(await left()).toEqual(['foreign']);
});

test('a store that is away is told, and what is left goes the next time', async () => {
  sandboxes = [endedAt('two', '2026-01-01T00:00:00Z')];
  await keep('two');
  store.fails = true;
  await purge();
  expect(logger.lines).toContainEqual(expect.objectContaining({ level: 'warn' }));
  store.fails = false;
  expect(await left()).toEqual(['two']);
  await purge();
  expect(await left()).toEqual([]);
});

test('what the store will not give up stays alone', async () => {
  sandboxes = ['held', 'two'].map((uid) => endedAt(uid, '2026-01-01T00:00:00Z'));
  await keep('held');
  await keep('two');
  const deletePrefix = store.deletePrefix.bind(store);
  store.deletePrefix = (prefix, signal) =>
    prefix.includes('held')
      ? Promise.reject(new StoreError('Refused', 'the store refuses'))
      : deletePrefix(prefix, signal);
  await purge();
  expect(await left()).toEqual(['held']);
  const told = logger.lines.find(({ level }) => level === 'warn');
  expect(told?.fields).toMatchObject({ sandbox: 'held' });
});

test('a removal that broke off before its manifest was removed is ended by the next', async () => {
  sandboxes = [endedAt('two', '2026-01-01T00:00:00Z')];
  await keep('two');
  await store.deletePrefix('sessions/two/');
  await purge();
  expect((await store.list('manifests/')).objects).toEqual([]);
});

test('files go before the rows of history that tell whose they are', () => {
  const DAY_MS = 86_400_000;
  expect(filesTtl(30 * DAY_MS, undefined)).toBe(30 * DAY_MS);
  expect(filesTtl(30 * DAY_MS, 90)).toBe(30 * DAY_MS);
  expect(filesTtl(30 * DAY_MS, 7)).toBe(7 * DAY_MS);
});
