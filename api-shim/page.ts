import type { KubeObject } from '../kube/objects.ts';
import type { HistoryState, ListQuery, MergedPage } from './history-page.ts';
import { cursorOf } from './schemas/cursor.ts';

/** One page of a list that is already filtered and ordered. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly total: number;
  readonly limit: number;
  readonly offset: number;
  readonly has_more: boolean;
}

export function pageOf<T, R>(
  all: readonly T[],
  { limit, offset }: { limit: number; offset: number },
  present: (item: T) => R,
): Page<R> {
  const items = all.slice(offset, offset + limit).map(present);
  return { items, total: all.length, limit, offset, has_more: offset + items.length < all.length };
}

/** One page of what is live and what is past. */
export interface HistoryPage<T> extends Page<T> {
  readonly next_cursor: string | null;
  readonly history: HistoryState;
}

export function presentPage<T extends KubeObject, R>(
  { items, total, hasMore, next, history }: MergedPage<T>,
  { limit, offset }: ListQuery,
  present: (item: T) => R,
): HistoryPage<R> {
  return {
    items: items.map((item) => present(item)),
    total,
    limit,
    offset,
    has_more: hasMore,
    next_cursor: next === undefined ? null : cursorOf(next),
    history,
  };
}
