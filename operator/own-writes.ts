import type { Change } from '../kube/cache.ts';
import type { KubeObject } from '../kube/objects.ts';

/**
 * Remembers what our last write to an object returned until the cache has moved on,
 * so that a reconcile right after a write does not decide on the state before it and write again.
 * Versions are compared for equality only: they are opaque.
 */
export class OwnWrites<T extends KubeObject> {
  readonly #writes = new Map<string, Write<T>>();
  readonly #listeners = new Set<(change: Change<T>) => void>();

  /** `before` is the object that the write was decided on, `after` what the server answered. */
  note(before: T, after: T): void {
    const { uid } = after.metadata;
    const earlier = this.#writes.get(uid);
    const behind = new Set(earlier?.behind).add(before.metadata.resourceVersion);
    if (earlier !== undefined) behind.add(earlier.after.metadata.resourceVersion);
    behind.delete(after.metadata.resourceVersion);
    this.#writes.set(uid, { behind, after });
    for (const tell of this.#listeners) tell({ type: 'updated', previous: before, object: after });
  }

  /** Tells of writes as soon as they are made: a watch tells later. Until the returned function is called. */
  subscribe(listener: (change: Change<T>) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** The newest state known of an object that the cache holds as `cached`. */
  newest(cached: T): T {
    const { uid, resourceVersion } = cached.metadata;
    const write = this.#writes.get(uid);
    if (write?.behind.has(resourceVersion) === true) return write.after;
    this.#writes.delete(uid);
    return cached;
  }

  /** To be called with whatever the cache shows anew: what it has caught up with is not kept until somebody asks, which may be long where thousands of objects wait for their turn. */
  caughtUp(cached: T): void {
    this.newest(cached);
  }

  /** To be called when the object is gone. */
  forget(uid: string): void {
    this.#writes.delete(uid);
  }
}

interface Write<T> {
  /** Versions from before the write that the cache may still hold. */
  readonly behind: ReadonlySet<string>;
  readonly after: T;
}
