import type { ReadCache } from '../kube/cache.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import { NotFoundError } from '../kube/errors.ts';
import type { Draft, KubeObject, ObjectRef, ResourceType } from '../kube/objects.ts';
import { refOf } from '../kube/objects.ts';
import { live, OwnWrites } from './own-writes.ts';

export interface RepositoryOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly cache: ReadCache<T>;
  readonly type: ResourceType<T>;
  readonly namespace: string;
  readonly clock: Clock;
}

/**
 * The objects of one kind as a REST client sees them: read from the watch cache, with own writes visible at once.
 * Objects that are being deleted do not exist here.
 */
export class Repository<T extends KubeObject> {
  readonly cache: ReadCache<T>;
  readonly #client: KubeClient;
  readonly #type: ResourceType<T>;
  readonly #namespace: string;
  readonly #writes: OwnWrites<T>;

  constructor(options: RepositoryOptions<T>) {
    this.cache = options.cache;
    this.#client = options.client;
    this.#type = options.type;
    this.#namespace = options.namespace;
    this.#writes = new OwnWrites(options.cache, options.clock);
  }

  refTo(name: string): ObjectRef {
    return { namespace: this.#namespace, name };
  }

  /** What this process knows, without asking the API server. */
  known(name: string): T | undefined {
    return this.#writes.get(this.refTo(name));
  }

  /** Also asks the API server before it says that there is none: another replica may have created it a moment ago. */
  async find(name: string, signal?: AbortSignal): Promise<T | undefined> {
    return this.known(name) ?? live(await this.fetch(name, signal));
  }

  /** The object as the API server has it, also one that is being deleted. */
  async fetch(name: string, signal?: AbortSignal): Promise<T | undefined> {
    try {
      return await this.#client.get(this.#type, this.refTo(name), signal);
    } catch (error) {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    }
  }

  list(): readonly T[] {
    return this.#writes.over(this.cache.list(this.#namespace), () => true);
  }

  /** Those found under `value` in an index of the cache, whose function says where an object not yet in the cache belongs. */
  listBy(
    index: { readonly name: string; readonly of: (object: T) => readonly string[] },
    value: string,
  ): readonly T[] {
    return this.#writes.over(this.cache.byIndex(index.name, value), (object) =>
      index.of(object).includes(value),
    );
  }

  async create(draft: Draft<T>, signal?: AbortSignal): Promise<T> {
    const created = await this.#client.create(this.#type, draft, signal);
    this.#writes.written(created);
    return created;
  }

  async merge(object: T, body: object, signal?: AbortSignal): Promise<T> {
    const patch = { kind: 'merge', body } as const;
    const patched = await this.#client.patch(
      this.#type,
      refOf(object),
      patch,
      signal ? { signal } : {},
    );
    this.#writes.written(patched);
    return patched;
  }

  /** Deletes this very object, not another one that took its name meanwhile. */
  async delete(object: T, signal?: AbortSignal): Promise<void> {
    const uid = object.metadata.uid;
    await this.#client.delete(this.#type, refOf(object), {
      uid,
      propagationPolicy: 'Background',
      ...(signal ? { signal } : {}),
    });
    this.#writes.deleted(object);
  }
}
