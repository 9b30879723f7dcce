import type { Clock } from '../../kube/clock.ts';
import { apiVersionOf, type Kind } from './kinds.ts';
import type { Matches } from './selectors.ts';
import type { Change, Entry, Storage } from './storage.ts';

export type EventType = Change['type'];

/** What a watcher asked for. */
export interface WatchRequest {
  readonly kind: Kind;
  /** Empty: all. */
  readonly namespace: string;
  readonly matches: Matches | undefined;
  /** Send what came after this revision; absent: first everything that is there. */
  readonly after: number | undefined;
  readonly bookmarks: boolean;
  readonly timeoutSeconds: number;
  /** How an event's object is written for this watcher. */
  readonly render: (change: Change) => string;
}

/** Where a watcher's lines go. */
export interface Sink {
  /** False: the client reads too slowly to be kept. */
  write(line: string): boolean;
  end(): void;
}

export interface WatchHub {
  /** False if `revision` is before what is remembered. */
  remembers(revision: number): boolean;
  readonly oldest: number;
  /** Returns what stops the watch. */
  watch(request: WatchRequest, sink: Sink): () => void;
  close(): void;
}

interface Watcher {
  readonly request: WatchRequest;
  readonly sink: Sink;
  readonly stop: () => void;
}

const BOOKMARK_EVERY_MS = 60_000;
/** Big objects are remembered for a shorter while. */
const HISTORY_BYTES = 32 * 1024 * 1024;
/** The last bookmark comes this long before the end, so that the next watch starts from a fresh revision. */
const LAST_BOOKMARK_MS = 2_000;

/** Hands every write to those who watch, in the same tick, and remembers the last `historyLimit` for those who come late. */
export function createWatchHub(deps: {
  storage: Storage;
  clock: Clock;
  historyLimit: number;
}): WatchHub {
  const { storage, clock, historyLimit } = deps;
  const watchers = new Map<string, Set<Watcher>>();
  const history: Change[] = [];
  let bytes = 0;
  let oldest = storage.revision;
  const remember = (change: Change): void => {
    history.push(change);
    bytes += change.entry.text.length;
    while (history.length > historyLimit || bytes > HISTORY_BYTES) {
      const dropped = history.shift();
      oldest = dropped?.entry.revision ?? oldest;
      bytes -= dropped?.entry.text.length ?? bytes;
    }
  };
  storage.subscribe((change) => {
    remember(change);
    for (const watcher of [...(watchers.get(change.entry.storage) ?? [])]) send(watcher, change);
  });
  const catchUp = (watcher: Watcher): void => {
    const { after, kind, namespace, bookmarks } = watcher.request;
    if (after !== undefined) {
      for (const change of since(history, after)) send(watcher, change);
      return;
    }
    for (const entry of storage.list(kind.storage, namespace))
      send(watcher, { type: 'ADDED', entry, previous: undefined });
    if (bookmarks) write(watcher, bookmark(kind, storage.revision, true));
  };
  return {
    get oldest() {
      return oldest;
    },
    remembers: (revision) => revision >= oldest,
    watch: (request, sink) => {
      const kept = watchers.get(request.kind.storage) ?? new Set();
      watchers.set(request.kind.storage, kept);
      const cancels: (() => void)[] = [];
      const stop = (): void => {
        kept.delete(watcher);
        cancels.splice(0).forEach((cancel) => {
          cancel();
        });
      };
      const watcher: Watcher = { request, sink, stop };
      kept.add(watcher);
      cancels.push(ending(clock, watcher));
      if (request.bookmarks) cancels.push(bookmarking(clock, watcher, () => storage.revision));
      catchUp(watcher);
      return stop;
    },
    close: () => {
      for (const { sink, stop } of [...watchers.values()].flatMap((kept) => [...kept])) {
        stop();
        sink.end();
      }
      history.length = 0;
    },
  };
}

function ending(clock: Clock, { request, sink, stop }: Watcher): () => void {
  return clock.schedule(() => {
    stop();
    sink.end();
  }, request.timeoutSeconds * 1000);
}

function bookmarking(clock: Clock, watcher: Watcher, revision: () => number): () => void {
  const { request } = watcher;
  const end = clock.now() + request.timeoutSeconds * 1000;
  let cancel = (): void => undefined;
  const next = (): void => {
    const delay = Math.min(BOOKMARK_EVERY_MS, end - LAST_BOOKMARK_MS - clock.now());
    if (delay <= 0) return;
    cancel = clock.schedule(() => {
      write(watcher, bookmark(request.kind, revision(), false));
      next();
    }, delay);
  };
  next();
  return () => {
    cancel();
  };
}

function since(history: readonly Change[], revision: number): readonly Change[] {
  // Newest first: most watchers missed little.
  let start = history.length;
  while ((history[start - 1]?.entry.revision ?? 0) > revision) start -= 1;
  return history.slice(start);
}

function send(watcher: Watcher, change: Change): void {
  const { request } = watcher;
  if (change.entry.storage !== request.kind.storage) return;
  if (request.namespace !== '' && change.entry.namespace !== request.namespace) return;
  const type = typeFor(change, request.matches);
  if (type !== undefined) write(watcher, `{"type":"${type}","object":${request.render(change)}}\n`);
}

/** To one who selects, an object that begins to match is added and one that ceases to is deleted. */
function typeFor(change: Change, matches: Matches | undefined): EventType | undefined {
  if (matches === undefined) return change.type;
  const was = change.previous !== undefined && matches(change.previous.object);
  if (change.type === 'DELETED') return was ? 'DELETED' : undefined;
  if (matches(change.entry.object)) return was ? 'MODIFIED' : 'ADDED';
  return was ? 'DELETED' : undefined;
}

function write(watcher: Watcher, line: string): void {
  if (watcher.sink.write(line)) return;
  watcher.stop();
  watcher.sink.end();
}

function bookmark(kind: Kind, revision: number, initialEnd: boolean): string {
  const annotations = initialEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
  const metadata = { resourceVersion: String(revision), creationTimestamp: null, ...annotations };
  return `${JSON.stringify({ type: 'BOOKMARK', object: { kind: kind.kind, apiVersion: apiVersionOf(kind), metadata } })}\n`;
}

/** The JSON of an entry as clients of `kind` see it. */
export function textOf(kind: Kind, entry: Entry): string {
  return kind.view === undefined ? entry.text : JSON.stringify(kind.view.fromStored(entry.object));
}
