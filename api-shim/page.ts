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
