import type { Change, ReadCache } from '../kube/cache.ts';
import type { Clock } from '../kube/clock.ts';
import { keyOf, refOf, type KubeObject, type ObjectRef } from '../kube/objects.ts';

/** A cache that has not caught up by then never will: its object was deleted before the cache saw it. */
const LONGEST_LAG_MS = 60_000;

type Write<T> = { readonly at: number } & (
  | { readonly kind: 'written'; readonly object: T }
  | { readonly kind: 'deleted'; readonly uid: string }
);

/**
 * Lays this process's own writes over a cache until the cache has caught up, so that a client reads what it wrote.
 * "Caught up" goes by UID and `metadata.generation`, which only grows; resource versions may only be compared for equality.
 */
export class OwnWrites<T extends KubeObject> {
  readonly #writes = new Map<string, Write<T>>();
  readonly #cache: ReadCache<T>;
  readonly #clock: Clock;

  constructor(cache: ReadCache<T>, clock: Clock) {
    this.#cache = cache;
    this.#clock = clock;
    cache.subscribe((change) => {
      this.#caughtUp(change);
    });
  }

  /** Remembers what a create or patch returned. */
  written(object: T): void {
    const cached = this.#cache.get(refOf(object));
    if (cached !== undefined && isAtLeast(cached, object)) return;
    this.#remember(keyOf(refOf(object)), { kind: 'written', object, at: this.#clock.now() });
  }

  /** Remembers that a delete of this very object was accepted. */
  deleted(object: T): void {
    const uid = object.metadata.uid;
    this.#remember(keyOf(refOf(object)), { kind: 'deleted', uid, at: this.#clock.now() });
  }

  /** The object of that name as this process knows it; not one that is being deleted. */
  get(ref: ObjectRef): T | undefined {
    return this.#over(keyOf(ref), this.#cache.get(ref));
  }

  /** `cached` with own writes laid over it and own objects added that fit `matches`. */
  over(cached: readonly T[], matches: (object: T) => boolean): T[] {
    const seen = new Map(cached.map((object) => [keyOf(refOf(object)), object]));
    const own = [...this.#writes].filter(
      ([key, write]) => !seen.has(key) && write.kind === 'written' && matches(write.object),
    );
    const keys = [...seen.keys(), ...own.map(([key]) => key)];
    return keys.flatMap((key) => this.#over(key, seen.get(key)) ?? []);
  }

  #over(key: string, cached: T | undefined): T | undefined {
    const write = this.#writes.get(key);
    if (write === undefined || this.#isStale(write)) return live(cached);
    if (write.kind === 'deleted')
      return cached?.metadata.uid === write.uid ? undefined : live(cached);
    return cached !== undefined && isAtLeast(cached, write.object) ? live(cached) : write.object;
  }

  #caughtUp({ type, object }: Change<T>): void {
    const key = keyOf(refOf(object));
    const write = this.#writes.get(key);
    if (write === undefined) return;
    const uid = write.kind === 'written' ? write.object.metadata.uid : write.uid;
    if (uid !== object.metadata.uid) return;
    const shown =
      write.kind === 'written' ? isAtLeast(object, write.object) : live(object) === undefined;
    if (type === 'deleted' || shown) this.#writes.delete(key);
  }

  #remember(key: string, write: Write<T>): void {
    this.#writes.delete(key);
    this.#writes.set(key, write);
    for (const [oldest, { at }] of this.#writes) {
      if (at + LONGEST_LAG_MS > write.at) break;
      this.#writes.delete(oldest);
    }
  }

  #isStale(write: Write<T>): boolean {
    return write.at + LONGEST_LAG_MS <= this.#clock.now();
  }
}

function isAtLeast(cached: KubeObject, written: KubeObject): boolean {
  const sameObject = cached.metadata.uid === written.metadata.uid;
  return sameObject && (cached.metadata.generation ?? 0) >= (written.metadata.generation ?? 0);
}

/** REST knows no "being deleted": what has a deletion timestamp is gone. */
export function live<T extends KubeObject>(object: T | undefined): T | undefined {
  return object?.metadata.deletionTimestamp === undefined ? object : undefined;
}
