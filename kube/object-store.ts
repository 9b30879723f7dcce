import type { Change, IndexFunction } from './cache.ts';
import { keyOf, refOf } from './objects.ts';
import type { KubeObject } from './objects.ts';

/** The objects of a cache with their indexes; turns what is heard from the API server into changes. */
export class ObjectStore<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes: ReadonlyMap<string, Index<T>>;

  /** The index functions must not throw. */
  constructor(indexes: ReadonlyMap<string, IndexFunction<T>>) {
    this.#indexes = new Map([...indexes].map(([name, valuesOf]) => [name, new Index(valuesOf)]));
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  values(): Iterable<T> {
    return this.#objects.values();
  }

  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new RangeError(`the cache has no index "${name}"`);
    return index.find(value);
  }

  /** Makes `items` the whole content. All of it is in place before the caller can tell anyone about the changes. */
  replace(items: readonly T[], initial: boolean): readonly Change<T>[] {
    const keys = new Set<string>();
    const changes: Change<T>[] = [];
    for (const item of items) {
      keys.add(keyOf(refOf(item)));
      changes.push(...this.put(item, initial));
    }
    for (const [key, object] of this.#objects) {
      if (!keys.has(key)) changes.push(...this.remove(object));
    }
    return changes;
  }

  /** An object of the same name but another UID is another object: its predecessor is deleted first. */
  put(object: T, initial = false): readonly Change<T>[] {
    const key = keyOf(refOf(object));
    const previous = this.#objects.get(key);
    if (previous?.metadata.resourceVersion === object.metadata.resourceVersion) return [];
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) index.move(key, previous, object);
    if (previous === undefined) return [{ type: 'added', object, initial }];
    if (previous.metadata.uid === object.metadata.uid)
      return [{ type: 'updated', object, previous }];
    return [
      { type: 'deleted', object: previous },
      { type: 'added', object, initial: false },
    ];
  }

  /** Reports the object in its last state, which a DELETED event carries. */
  remove(last: T): readonly Change<T>[] {
    const key = keyOf(refOf(last));
    const previous = this.#objects.get(key);
    if (previous === undefined) return [];
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) index.move(key, previous, undefined);
    return [{ type: 'deleted', object: last }];
  }
}

class Index<T extends KubeObject> {
  readonly #valuesOf: IndexFunction<T>;
  readonly #entries = new Map<string, Map<string, T>>();

  constructor(valuesOf: IndexFunction<T>) {
    this.#valuesOf = valuesOf;
  }

  find(value: string): readonly T[] {
    const found = this.#entries.get(value);
    return found === undefined ? [] : [...found.values()];
  }

  move(key: string, previous: T | undefined, next: T | undefined): void {
    const values = next === undefined ? [] : this.#valuesOf(next);
    for (const value of previous === undefined ? [] : this.#valuesOf(previous)) {
      if (!values.includes(value)) this.#delete(value, key);
    }
    if (next === undefined) return;
    for (const value of values) this.#bucket(value).set(key, next);
  }

  #bucket(value: string): Map<string, T> {
    let bucket = this.#entries.get(value);
    if (bucket === undefined) this.#entries.set(value, (bucket = new Map<string, T>()));
    return bucket;
  }

  #delete(value: string, key: string): void {
    const bucket = this.#entries.get(value);
    if (bucket === undefined) return;
    bucket.delete(key);
    if (bucket.size === 0) this.#entries.delete(value);
  }
}
