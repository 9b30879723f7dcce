import { Readable } from 'node:stream';
import type { ObjectStore, StoredObject } from '../objects/object-store.ts';
import { idOf, MANIFESTS, SESSIONS } from './layout.ts';

const OWNERS = 'owners/';
const ORPHANS = 'orphans/';

/**
 * What a store tells beside the files: which installations keep files there, and since when those of a session are nobody's. Kept in the store, so that
 * neither a restart nor a short mistake about what there is costs anybody files.
 */
export class WorkspaceRegister {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Says that this installation keeps files here; resolves with all that do. */
  async join(owner: string, signal?: AbortSignal): Promise<readonly string[]> {
    const known = await this.#names(OWNERS, signal);
    if (known.has(owner)) return [...known.keys()];
    await this.#mark(OWNERS + owner, signal);
    return [...known.keys(), owner];
  }

  /** Of every session that something is stored of, also files whose manifest was never written. */
  async ids(signal?: AbortSignal): Promise<ReadonlySet<string>> {
    const ids = new Set<string>();
    for (const prefix of [SESSIONS, MANIFESTS])
      for await (const { key } of this.#objects(prefix, signal)) {
        const id = idOf(key);
        if (id !== undefined) ids.add(id);
      }
    return ids;
  }

  /** Sessions whose files are nobody's, each with the time since when. */
  orphans(signal?: AbortSignal): Promise<ReadonlyMap<string, number>> {
    return this.#names(ORPHANS, signal);
  }

  async addOrphan(id: string, signal?: AbortSignal): Promise<void> {
    await this.#mark(ORPHANS + id, signal);
  }

  async dropOrphan(id: string, signal?: AbortSignal): Promise<void> {
    await this.#store.delete(ORPHANS + id, signal);
  }

  async #mark(key: string, signal?: AbortSignal): Promise<void> {
    const options = signal === undefined ? { size: 0 } : { size: 0, signal };
    await this.#store.put(key, Readable.from([]), options);
  }

  async #names(prefix: string, signal?: AbortSignal): Promise<ReadonlyMap<string, number>> {
    const names = new Map<string, number>();
    for await (const { key, modifiedAt } of this.#objects(prefix, signal))
      names.set(key.slice(prefix.length), modifiedAt.getTime());
    return names;
  }

  async *#objects(prefix: string, signal?: AbortSignal): AsyncIterable<StoredObject> {
    let cursor: string | undefined;
    do {
      const page = await this.#store.list(prefix, { cursor, ...(signal && { signal }) });
      yield* page.objects;
      ({ cursor } = page);
    } while (cursor !== undefined);
  }
}
