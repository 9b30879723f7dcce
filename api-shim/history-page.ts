import { createdAtOf } from '../crds/identity.ts';
import type { ReadCache } from '../kube/cache.ts';
import type { KubeObject } from '../kube/objects.ts';
import { HistoryError } from '../storage/history/errors.ts';
import type { PastList, Position } from '../storage/history/reader.ts';

/** One list of what is live and what is past, newest first: the live part is in memory, the past one in the database. */

export interface ListQuery {
  readonly limit: number;
  readonly offset: number;
  /** Behind this place; then `offset` is not used. */
  readonly cursor?: Position | undefined;
}

export interface Lists<T extends KubeObject> {
  /** Filtered, newest first. */
  readonly live: readonly T[];
  /** Filtered alike; absent: there is no history. */
  readonly past: Pick<PastList<T>, 'leaving' | 'count' | 'page'> | undefined;
  /** Of everything that is in the API server, filtered or not. */
  readonly liveUids: () => ReadonlySet<string>;
}

/** `off`: there is no database; `unavailable`: it does not answer, and only what is live is listed. */
export type HistoryState = 'on' | 'off' | 'unavailable';

export interface MergedPage<T> {
  readonly items: readonly T[];
  readonly total: number;
  readonly hasMore: boolean;
  /** Of the last item; absent on the last page. */
  readonly next: Position | undefined;
  readonly history: HistoryState;
}

/** Lists what is live whatever becomes of the database. */
export async function mergedPage<T extends KubeObject>(
  lists: Lists<T>,
  query: ListQuery,
): Promise<MergedPage<T>> {
  if (lists.past === undefined) return { ...(await merge(lists, query)), history: 'off' };
  try {
    return { ...(await merge(lists, query)), history: 'on' };
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error;
    const alone = await merge({ ...lists, past: undefined }, query);
    return { ...alone, history: 'unavailable' };
  }
}

async function merge<T extends KubeObject>(
  { live, past = NOTHING, liveUids }: Lists<T>,
  { limit, offset, cursor }: ListQuery,
): Promise<Omit<MergedPage<T>, 'history'>> {
  // What is on its way out is in both: it is shown from the cache.
  const leaving = await past.leaving();
  const without = leaving.length === 0 ? [] : leaving.filter((uid) => liveUids().has(uid));
  const start =
    cursor === undefined
      ? await startAt(offset, live, (place) => past.count(without, place))
      : { live: live.filter((object) => !isBehind(positionOf(object), cursor)).length, past: 0 };
  const [fromPast, pastCount] = await Promise.all([
    past.page({ after: cursor, skip: start.past, limit: limit + 1, without }),
    past.count(without),
  ]);
  const found = inOrder([...live.slice(start.live, start.live + limit + 1), ...fromPast]);
  const items = found.slice(0, limit);
  const hasMore = found.length > limit;
  const last = items.at(-1);
  const next = hasMore && last !== undefined ? positionOf(last) : undefined;
  return { items, total: live.length + pastCount, hasMore, next };
}

interface Start {
  readonly live: number;
  readonly past: number;
}

/** How many of the first `offset` of both are live: found by halving, because what is past can only be counted. */
async function startAt(
  offset: number,
  live: readonly KubeObject[],
  pastBefore: (place: Position) => Promise<number>,
): Promise<Start> {
  const isWithin = async (count: number): Promise<boolean> => {
    const last = live[count - 1];
    return last === undefined || count - 1 + (await pastBefore(positionOf(last))) < offset;
  };
  let low = 0;
  let high = Math.min(offset, live.length);
  // Most often what is live is newer than what is past.
  if (await isWithin(high)) return { live: high, past: offset - high };
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (await isWithin(middle)) low = middle;
    else high = middle - 1;
  }
  return { live: low, past: offset - low };
}

/** Newest first, each once: one that left the API server a moment ago may have come from both sides. */
function inOrder<T extends KubeObject>(objects: readonly T[]): readonly T[] {
  const byUid = new Map<string, T>();
  for (const object of objects) {
    if (!byUid.has(object.metadata.uid)) byUid.set(object.metadata.uid, object);
  }
  return [...byUid.values()].sort((a, b) => (isBehind(positionOf(a), positionOf(b)) ? 1 : -1));
}

export function positionOf(object: KubeObject): Position {
  return { createdAt: Date.parse(createdAtOf(object)), name: object.metadata.name };
}

/** Also of what is being deleted. */
export function uidsIn(cache: ReadCache<KubeObject>): Set<string> {
  return new Set(cache.list().map(({ metadata }) => metadata.uid));
}

function isBehind(one: Position, other: Position): boolean {
  if (one.createdAt !== other.createdAt) return one.createdAt < other.createdAt;
  return one.name < other.name;
}

const NOTHING = {
  leaving: () => Promise.resolve([]),
  count: () => Promise.resolve(0),
  page: () => Promise.resolve([]),
};
