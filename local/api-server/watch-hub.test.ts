import { FakeClock } from '../../test/fakes/clock.ts';
import { BUILT_IN_KINDS } from './builtin-kinds.ts';
import type { Kind } from './kinds.ts';
import { openStorage, type Storage } from './storage.ts';
import { createMemoryStore } from './store.ts';
import { createWatchHub, textOf, type WatchHub, type WatchRequest } from './watch-hub.ts';

const found = BUILT_IN_KINDS.find((kind) => kind.plural === 'configmaps');
if (found === undefined) throw new Error('config maps are built in');
const kind: Kind = found;

let clock: FakeClock;
let storage: Storage;
let hub: WatchHub;

beforeEach(() => {
  clock = new FakeClock();
  storage = openStorage(createMemoryStore());
  hub = createWatchHub({ storage, clock, historyLimit: 3 });
});

function put(name: string): void {
  const metadata = { name, uid: name, creationTimestamp: '2026-01-02T03:04:05Z' };
  storage.put(
    'configmaps',
    { namespace: 'default', name },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata },
  );
}

interface Watching {
  readonly lines: string[];
  readonly ended: () => boolean;
  readonly stop: () => void;
}

function watch(request: Partial<WatchRequest> = {}, takes = Infinity): Watching {
  const lines: string[] = [];
  let over = false;
  const render: WatchRequest['render'] = ({ entry }) => textOf(kind, entry);
  const stop = hub.watch(
    {
      kind,
      namespace: '',
      matches: undefined,
      after: storage.revision,
      bookmarks: false,
      timeoutSeconds: 300,
      render,
      ...request,
    },
    {
      write: (line) => lines.push(line) < takes,
      end: () => {
        over = true;
      },
    },
  );
  return { lines, ended: () => over, stop };
}

test('a watcher hears of a write before the write returns', () => {
  const { lines } = watch();
  put('a');
  expect(lines).toEqual([
    expect.stringMatching(/^\{"type":"ADDED","object":\{.*"name":"a".*\}\}\n$/),
  ]);
});

test('a late watcher hears of what it missed, as far as it is remembered', () => {
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) put(name);
  expect([hub.remembers(3), hub.remembers(2), hub.oldest]).toEqual([true, false, 3]);
  expect(watch({ after: 4 }).lines).toHaveLength(2);
});

test('a watcher that reads too slowly is dropped', () => {
  const { lines, ended } = watch({}, 2);
  for (const name of ['a', 'b', 'c']) put(name);
  expect([lines.length, ended()]).toEqual([2, true]);
});

test('a watcher that has stopped hears nothing more', () => {
  const { lines, stop } = watch();
  stop();
  put('a');
  expect(lines).toEqual([]);
});

test('bookmarks come every minute and once more before the end', () => {
  const { lines, ended } = watch({ bookmarks: true, timeoutSeconds: 90 });
  clock.advance(60_000);
  expect(lines).toEqual([expect.stringContaining('"type":"BOOKMARK"')]);
  put('a');
  clock.advance(28_000);
  expect(lines.at(-1)).toContain('"resourceVersion":"1"');
  expect([lines.length, ended()]).toEqual([3, false]);
  clock.advance(2_000);
  expect(ended()).toBe(true);
});
