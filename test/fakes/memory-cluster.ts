import type { Change, IndexFunction, ReadCache } from '../../kube/cache.ts';
import type { DeleteOptions, KubeClient, Patch, WatchEvent } from '../../kube/client.ts';
import type { Clock } from '../../kube/clock.ts';
import { AlreadyExistsError, ConflictError, NotFoundError } from '../../kube/errors.ts';
import {
  keyOf,
  refOf,
  type Draft,
  type KubeList,
  type KubeObject,
  type ObjectRef,
  type ResourceType,
} from '../../kube/objects.ts';

/** A cache that a MemoryCluster feeds; `hold` lets it lag behind as a real one does. */
export class MemoryCache<T extends KubeObject> implements ReadCache<T> {
  readonly synced = true;
  /** Who would have to be told of a change: zero once every waiter is gone. */
  readonly #listeners = new Set<(change: Change<T>) => void>();
  /** The indexes that were asked, in order. */
  readonly lookups: string[] = [];
  readonly #objects = new Map<string, T>();
  readonly #indexes: Readonly<Record<string, IndexFunction<T>>>;
  #held: (() => void)[] | undefined;

  constructor(indexes: Readonly<Record<string, IndexFunction<T>>> = {}) {
    this.#indexes = indexes;
  }

  get(ref: ObjectRef): T | undefined {
    return this.#objects.get(keyOf(ref));
  }

  list(namespace?: string): readonly T[] {
    return [...this.#objects.values()].filter(
      (object) => namespace === undefined || object.metadata.namespace === namespace,
    );
  }

  byIndex(index: string, value: string): readonly T[] {
    const of = this.#indexes[index];
    if (of === undefined) throw new TypeError(`no index ${index}`);
    this.lookups.push(index);
    return this.list().filter((object) => of(object).includes(value));
  }

  subscribe(listener: (change: Change<T>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  whenSynced(): Promise<void> {
    return Promise.resolve();
  }

  /** From now on changes wait until `release`. */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const apply of held) apply();
  }

  show(object: T): void {
    this.#later(() => {
      const key = keyOf(refOf(object));
      const previous = this.#objects.get(key);
      this.#objects.set(key, object);
      this.#tell(
        previous === undefined
          ? { type: 'added', object, initial: false }
          : { type: 'updated', object, previous },
      );
    });
  }

  remove(object: T): void {
    this.#later(() => {
      this.#objects.delete(keyOf(refOf(object)));
      this.#tell({ type: 'deleted', object });
    });
  }

  #later(apply: () => void): void {
    if (this.#held === undefined) apply();
    else this.#held.push(apply);
  }

  #tell(change: Change<T>): void {
    for (const listener of [...this.#listeners]) listener(change);
  }
}

export interface Call {
  readonly verb: 'get' | 'list' | 'create' | 'patch' | 'delete';
  readonly kind: string;
  readonly name: string;
}

interface Follower {
  show(object: KubeObject): void;
  remove(object: KubeObject): void;
}

/** The few rules of an API server that a client of it relies on, in memory: names, UIDs, generations, merge patches, finalizers. */
export class MemoryCluster implements KubeClient {
  readonly calls: Call[] = [];
  readonly #objects = new Map<string, KubeObject>();
  readonly #caches = new Map<string, Follower>();
  readonly #clock: Clock;
  #version = 0;
  #failure: Error | undefined;
  readonly #failures = new Map<Call['verb'], Error>();
  #heldCreate: Promise<undefined> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A cache of one kind that follows this cluster. */
  cacheOf<T extends KubeObject>(
    type: ResourceType<T>,
    indexes?: Readonly<Record<string, IndexFunction<T>>>,
  ): MemoryCache<T> {
    const cache = new MemoryCache<T>(indexes);
    const show = (object: KubeObject): void => {
      cache.show(object as T);
    };
    const remove = (object: KubeObject): void => {
      cache.remove(object as T);
    };
    this.#caches.set(type.kind, { show, remove });
    return cache;
  }

  /** Every call from now on fails so, until `failWith(undefined)`. */
  failWith(error: Error | undefined): void {
    this.#failure = error;
  }

  /** The next call of this verb fails so. */
  failOnce(verb: Call['verb'], error: Error): void {
    this.#failures.set(verb, error);
  }

  /** The next create happens only when the function that is returned is called. */
  holdNextCreate(): () => void {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#heldCreate = promise;
    return () => {
      resolve(undefined);
    };
  }

  get writes(): readonly Call[] {
    return this.calls.filter(({ verb }) => verb !== 'get' && verb !== 'list');
  }

  all<T extends KubeObject>(type: ResourceType<T>): readonly T[] {
    return [...this.#objects.values()].filter((object) => object.kind === type.kind) as T[];
  }

  async get<T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef): Promise<T> {
    this.#called('get', type, ref.name);
    return this.#require(type, ref);
  }

  async list<T extends KubeObject>(type: ResourceType<T>): Promise<KubeList<T>> {
    this.#called('list', type, '');
    return { items: this.all(type), metadata: { resourceVersion: String(this.#version) } };
  }

  watch<T extends KubeObject>(): AsyncIterable<WatchEvent<T>> {
    throw new Error('the caches are fed directly');
  }

  async create<T extends KubeObject>(type: ResourceType<T>, draft: Draft<T>): Promise<T> {
    this.#called('create', type, draft.metadata.name ?? '');
    const held = this.#heldCreate;
    this.#heldCreate = undefined;
    if (held !== undefined) await held;
    return this.add(type, draft);
  }

  /** What others create. */
  add<T extends KubeObject>(type: ResourceType<T>, draft: Draft<T>): T {
    const name = draft.metadata.name ?? '';
    const key = this.#key(type, { namespace: draft.metadata.namespace ?? '', name });
    if (this.#objects.has(key))
      throw new AlreadyExistsError({
        code: 409,
        reason: 'AlreadyExists',
        message: `internal: ${key} exists`,
      });
    const creationTimestamp = new Date(this.#clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
    const metadata = {
      ...draft.metadata,
      name,
      uid: `uid-${String(this.#version + 1)}`,
      creationTimestamp,
      generation: 1,
    };
    const object: object = { ...draft, metadata };
    return this.#store(type, object as T);
  }

  replace<T extends KubeObject>(): Promise<T> {
    throw new Error('nobody here replaces');
  }

  async patch<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    patch: Patch,
  ): Promise<T> {
    this.#called('patch', type, ref.name);
    if (patch.kind !== 'merge') throw new Error('only merge patches');
    const current = this.#require(type, ref);
    const next = merged(current, patch.body) as T;
    const generation = (current.metadata.generation ?? 0) + 1;
    return this.#store(type, { ...next, metadata: { ...next.metadata, generation } });
  }

  async delete<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    options: DeleteOptions = {},
  ): Promise<void> {
    this.#called('delete', type, ref.name);
    const current = this.#require(type, ref);
    if (options.uid !== undefined && options.uid !== current.metadata.uid) {
      throw new ConflictError({ code: 409, reason: 'Conflict', message: 'internal: another uid' });
    }
    if ((current.metadata.finalizers ?? []).length === 0) {
      this.remove(type, ref);
      return;
    }
    const deletionTimestamp = new Date(this.#clock.now()).toISOString();
    const generation = (current.metadata.generation ?? 0) + 1;
    this.#store(type, {
      ...current,
      metadata: { ...current.metadata, deletionTimestamp, generation },
    });
  }

  /** What the operator does: reports, without touching the spec. */
  setStatus<T extends KubeObject & { readonly status?: object }>(
    type: ResourceType<T>,
    name: string,
    status: NonNullable<T['status']>,
  ): T {
    const found = this.all(type).find((object) => object.metadata.name === name);
    if (found === undefined) throw new Error(`no ${type.kind} ${name}`);
    return this.#store(type, { ...found, status });
  }

  /** What happens when the last finalizer is gone. */
  remove<T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef): void {
    const object = this.#require(type, ref);
    this.#objects.delete(this.#key(type, ref));
    this.#caches.get(type.kind)?.remove(object);
  }

  #store<T extends KubeObject>(type: ResourceType<T>, object: T): T {
    this.#version += 1;
    const stored = {
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(this.#version) },
    };
    this.#objects.set(this.#key(type, refOf(stored)), stored);
    this.#caches.get(type.kind)?.show(stored);
    return stored;
  }

  #require<T extends KubeObject>(type: ResourceType<T>, ref: ObjectRef): T {
    const object = this.#objects.get(this.#key(type, ref));
    if (object === undefined)
      throw new NotFoundError({
        code: 404,
        reason: 'NotFound',
        message: `internal: no ${ref.name}`,
      });
    return object as T;
  }

  #called(verb: Call['verb'], type: ResourceType<KubeObject>, name: string): void {
    this.calls.push({ verb, kind: type.kind, name });
    const failure = this.#failures.get(verb) ?? this.#failure;
    this.#failures.delete(verb);
    if (failure !== undefined) throw failure;
  }

  #key(type: ResourceType<KubeObject>, ref: ObjectRef): string {
    return `${type.kind}/${keyOf(ref)}`;
  }
}

/** RFC 7386. */
function merged(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(result, key);
    else result[key] = merged(result[key], value);
  }
  return result;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
