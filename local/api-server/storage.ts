import { isDeepStrictEqual } from 'node:util';
import { parseObject, type ApiObject, type Ref, type StoredObject } from './objects.ts';
import { isObject } from './json.ts';
import type { Store } from './store.ts';

/** An object with its JSON, which lists and watches send as it is. */
export interface Entry extends Ref {
  readonly storage: string;
  readonly object: StoredObject;
  readonly text: string;
  readonly revision: number;
}

/** One write. A deleted object is the last one that was, with the resource version of its deletion. */
export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly entry: Entry;
  readonly previous: Entry | undefined;
}

/** All objects, in memory, written through to a Store; one counter gives every write its resource version. */
export interface Storage {
  readonly revision: number;
  get(storage: string, ref: Ref): Entry | undefined;
  /** In the order of namespace and name; `namespace` empty: all of them. */
  list(storage: string, namespace: string): readonly Entry[];
  put(storage: string, ref: Ref, object: ApiObject): Entry;
  remove(entry: Entry): Entry;
  /** Reads what is kept by another schema from now on: nothing is written, and nobody is told. */
  reread(storage: string, decode: (object: ApiObject) => ApiObject): void;
  /** Calls `listener` on every write, within the write. */
  subscribe(listener: (change: Change) => void): void;
}

/** Opens what `store` kept. */
export function openStorage(store: Store): Storage {
  const collections = new Map<string, Map<string, Entry>>();
  const listeners: ((change: Change) => void)[] = [];
  const loaded = store.load();
  let revision = loaded.revision;
  for (const record of loaded.records) {
    collection(collections, record.storage).set(keyOf(record), restored(record));
  }
  const publish = (change: Change): void => {
    for (const listener of listeners) listener(change);
  };
  return {
    get revision() {
      return revision;
    },
    get: (storage, ref) => collections.get(storage)?.get(keyOf(ref)),
    list: (storage, namespace) => sorted(collections.get(storage), namespace),
    put: (storage, ref, object) => {
      const entry = entryOf({ storage, ...ref }, object, revision + 1);
      store.put(entry, entry.revision);
      revision = entry.revision;
      const kept = collection(collections, storage);
      const previous = kept.get(keyOf(ref));
      kept.set(keyOf(ref), entry);
      publish({ type: previous === undefined ? 'ADDED' : 'MODIFIED', entry, previous });
      return entry;
    },
    remove: (entry) => {
      const gone = entryOf(entry, entry.object, revision + 1);
      store.remove(entry, gone.revision);
      revision = gone.revision;
      collections.get(entry.storage)?.delete(keyOf(entry));
      publish({ type: 'DELETED', entry: gone, previous: entry });
      return gone;
    },
    reread: (storage, decode) => {
      const kept = collection(collections, storage);
      for (const [key, entry] of kept) kept.set(key, rereadBy(decode, entry));
    },
    subscribe: (listener) => {
      listeners.push(listener);
    },
  };
}

function rereadBy(decode: (object: ApiObject) => ApiObject, entry: Entry): Entry {
  const object = stored(decode(entry.object));
  if (isDeepStrictEqual(object, entry.object)) return entry;
  return { ...entry, object, text: JSON.stringify(object) };
}

function entryOf(at: Ref & { storage: string }, draft: ApiObject, revision: number): Entry {
  const object = stored({
    ...draft,
    metadata: { ...draft.metadata, resourceVersion: String(revision) },
  });
  return {
    storage: at.storage,
    namespace: at.namespace,
    name: at.name,
    object,
    text: JSON.stringify(object),
    revision,
  };
}

/** Whoever writes has settled name, uid and creation time by now; anything else is a bug of the server. */
function stored(object: ApiObject): StoredObject {
  const { name, uid, creationTimestamp, resourceVersion } = object.metadata;
  if (
    name === undefined ||
    uid === undefined ||
    creationTimestamp === undefined ||
    resourceVersion === undefined
  ) {
    throw new Error(
      `an object without identity reached the storage: ${object.kind} ${String(name)}`,
    );
  }
  return {
    ...object,
    metadata: { ...object.metadata, name, uid, creationTimestamp, resourceVersion },
  };
}

/** What a write would leave behind, for answers to writes that leave nothing. */
export function previewOf(storage: string, { namespace, name }: Ref, object: ApiObject): Entry {
  const { resourceVersion = '' } = object.metadata;
  const shown = stored({ ...object, metadata: { ...object.metadata, resourceVersion } });
  return {
    storage,
    namespace,
    name,
    object: shown,
    text: JSON.stringify(shown),
    revision: Number(resourceVersion),
  };
}

function restored(record: Ref & { storage: string; text: string }): Entry {
  const body: unknown = JSON.parse(record.text);
  if (!isObject(body))
    throw new Error(`the kept ${record.storage} ${keyOf(record)} is not an object`);
  const object = stored(parseObject(body).object);
  return { ...record, object, revision: Number(object.metadata.resourceVersion) };
}

function collection(all: Map<string, Map<string, Entry>>, storage: string): Map<string, Entry> {
  const found = all.get(storage) ?? new Map<string, Entry>();
  all.set(storage, found);
  return found;
}

/** Sorts as etcd's keys do. */
function keyOf({ namespace, name }: Ref): string {
  return `${namespace}/${name}`;
}

function sorted(kept: ReadonlyMap<string, Entry> | undefined, namespace: string): readonly Entry[] {
  const entries = [...(kept ?? [])];
  const wanted =
    namespace === '' ? entries : entries.filter(([, entry]) => entry.namespace === namespace);
  wanted.sort(([left], [right]) => (left < right ? -1 : 1));
  return wanted.map(([, entry]) => entry);
}
