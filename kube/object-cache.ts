import type { BackoffOptions } from './backoff.ts';
import type { Change, IndexFunction, ReadCache } from './cache.ts';
import type { KubeClient } from './client.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import {
  DEFAULT_IDLE_TIMEOUT_MS,
  DEFAULT_PAGE_SIZE,
  DEFAULT_WATCH_BACKOFF,
  ListWatch,
} from './list-watch.ts';
import type { ListWatchSink, ObjectEvent, Selection } from './list-watch.ts';
import type { Logger } from './logger.ts';
import type { RuntimeMetrics } from './metrics.ts';
import { ObjectStore } from './object-store.ts';
import { keyOf } from './objects.ts';
import type { KubeObject, ObjectRef } from './objects.ts';

export interface ObjectCacheOptions<T extends KubeObject> extends Selection<T> {
  readonly client: KubeClient;
  readonly logger: Logger;
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** Cuts an object down to what is read before it is kept; metadata must stay. */
  readonly transform?: (object: T) => T;
  /** Freezes all that is kept, so that a reader who writes is caught; meant for tests. */
  readonly freeze?: boolean;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly metrics?: RuntimeMetrics;
  readonly pageSize?: number;
  readonly idleTimeoutMs?: number;
  readonly backoff?: BackoffOptions;
}

/** All objects of one kind, kept current by a list-watch; make one per kind and share it among controllers. */
export class ObjectCache<T extends KubeObject> implements ReadCache<T>, ListWatchSink<T> {
  readonly #options: ObjectCacheOptions<T>;
  readonly #store: ObjectStore<T>;
  readonly #listWatch: ListWatch<T>;
  readonly #listeners = new Set<(change: Change<T>) => void>();
  readonly #onSynced = new Set<() => void>();
  readonly #stop = new AbortController();
  #loop: Promise<void> | undefined;
  #synced = false;

  constructor(options: ObjectCacheOptions<T>) {
    this.#options = options;
    const indexes = Object.entries(options.indexes ?? {}).map(
      ([name, valuesOf]) => [name, this.#guardedIndex(valuesOf)] as const,
    );
    this.#store = new ObjectStore(new Map(indexes));
    this.#listWatch = new ListWatch(
      {
        client: options.client,
        selection: selectionOf(options),
        clock: options.clock ?? systemClock,
        random: options.random ?? Math.random,
        logger: options.logger,
        metrics: options.metrics,
        pageSize: options.pageSize ?? DEFAULT_PAGE_SIZE,
        idleTimeoutMs: options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS,
        backoff: options.backoff ?? DEFAULT_WATCH_BACKOFF,
      },
      this,
    );
  }

  get name(): string {
    return this.#options.type.plural;
  }

  /** Starts to list and watch; a second call does nothing, and neither does one after `stop`. */
  start(): void {
    this.#loop ??= this.#listWatch.run(this.#stop.signal);
  }

  /** Ends the watch; what was learnt stays readable. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  get synced(): boolean {
    return this.#synced;
  }

  /** When the watch loop last moved; see `ListWatch`. */
  get heartbeatAt(): number {
    return this.#listWatch.heartbeatAt;
  }

  async whenSynced(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#synced) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        this.#onSynced.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      this.#onSynced.add(wake);
      signal?.addEventListener('abort', wake, { once: true });
    });
    signal?.throwIfAborted();
  }

  get(ref: ObjectRef): T | undefined {
    return this.#store.get(keyOf(ref));
  }

  list(namespace?: string): readonly T[] {
    const all = [...this.#store.values()];
    if (namespace === undefined || namespace === this.#options.namespace) return all;
    return all.filter((object) => object.metadata.namespace === namespace);
  }

  byIndex(index: string, value: string): readonly T[] {
    return this.#store.byIndex(index, value);
  }

  subscribe(listener: (change: Change<T>) => void): () => void {
    // A wrapper, so that subscribing one function twice makes two subscriptions.
    const subscription = (change: Change<T>): void => {
      listener(change);
    };
    this.#listeners.add(subscription);
    return () => {
      this.#listeners.delete(subscription);
    };
  }

  replace(items: readonly T[]): void {
    const changes = this.#store.replace(items, !this.#synced);
    this.#synced = true;
    this.#emit(changes);
    for (const wake of this.#onSynced) wake();
  }

  apply({ type, object }: ObjectEvent<T>): void {
    this.#emit(type === 'DELETED' ? this.#store.remove(object) : this.#store.put(object));
  }

  prepare(received: T): T {
    const { transform } = this.#options;
    const object = withoutManagedFields(received);
    const kept = transform ? this.#guard('transform', () => transform(object), object) : object;
    return this.#options.freeze === true ? deepFreeze(kept) : kept;
  }

  #emit(changes: readonly Change<T>[]): void {
    const { metrics, type } = this.#options;
    if (changes.length > 0) metrics?.cachedObjects.set({ kind: type.kind }, this.#store.size);
    for (const change of changes) {
      for (const listener of this.#listeners) {
        this.#guard(
          'listener',
          () => {
            listener(change);
          },
          undefined,
        );
      }
    }
  }

  #guardedIndex(valuesOf: IndexFunction<T>): IndexFunction<T> {
    return (object) => this.#guard('index', () => valuesOf(object), []);
  }

  /** A bug in one function, or one object that it cannot take, must not cost the rest of a list or keep a change from others. */
  #guard<R>(part: string, work: () => R, otherwise: R): R {
    try {
      return work();
    } catch (error) {
      const { logger, type } = this.#options;
      logger.error(`a cache ${part} failed`, { kind: type.kind, error });
      return otherwise;
    }
  }
}

/** Who wrote which field (KEP-555) is often more than half of an object, and nobody here asks for it. */
function withoutManagedFields<T extends KubeObject>(object: T): T {
  if (!('managedFields' in object.metadata)) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function selectionOf<T extends KubeObject>(options: Selection<T>): Selection<T> {
  const { type, namespace, labelSelector, fieldSelector } = options;
  return {
    type,
    ...(namespace === undefined ? {} : { namespace }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  };
}

function deepFreeze<V>(value: V): V {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
