import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { StoreError } from '../objects/errors.ts';
import type {
  GetOptions,
  ObjectStore,
  OpenObject,
  PresignOptions,
} from '../objects/object-store.ts';
import { fileKey, filesPrefix, idOfManifest, manifestKey, MANIFESTS } from './layout.ts';
import { type Manifest, NOTHING, parseManifest } from './manifest.ts';
import { WorkspaceRegister } from './register.ts';

/** Far above what the largest listing of an executor comes to. */
const MAX_MANIFEST_BYTES = 67_108_864;

export interface StoredFile {
  readonly path: string;
  readonly size: number;
}

/** The files of sessions in an object store: each under its own key, and a manifest beside them. An id is a Sandbox's UID. */
export class StoredWorkspaces {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** What the store tells beside the files. */
  get register(): WorkspaceRegister {
    return new WorkspaceRegister(this.#store);
  }

  /** Of a session's files, as a URL for people. */
  locationOf(id: string): string {
    return this.#store.locationOf(filesPrefix(id).slice(0, -1));
  }

  /** Of a session of which nothing is stored, nothing. */
  async manifest(id: string, signal?: AbortSignal): Promise<Manifest> {
    const content = await this.#manifestText(id, signal);
    if (content === undefined) return NOTHING;
    const manifest = parseManifest(content);
    if (manifest === undefined) throw new StoreError('Refused', 'a manifest is damaged');
    return manifest;
  }

  async putManifest(id: string, manifest: Manifest, signal?: AbortSignal): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(manifest));
    await this.#store.put(manifestKey(id), Readable.from([bytes]), {
      size: bytes.length,
      contentType: 'application/json',
      ...given(signal),
    });
  }

  async putFile(
    id: string,
    { path, size }: StoredFile,
    { content, signal }: { readonly content: Readable; readonly signal?: AbortSignal },
  ): Promise<void> {
    let key: string;
    try {
      key = fileKey(id, path);
    } catch (error) {
      content.destroy();
      throw error;
    }
    await this.#store.put(key, content, { size, ...given(signal) });
  }

  async openFile(id: string, path: string, options: GetOptions = {}): Promise<OpenObject> {
    return this.#store.get(fileKey(id, path), options);
  }

  async removeFile(id: string, path: string, signal?: AbortSignal): Promise<void> {
    await this.#store.delete(fileKey(id, path), signal);
  }

  async presign(id: string, path: string, options: PresignOptions): Promise<string | undefined> {
    return this.#store.presign(fileKey(id, path), options);
  }

  /** Of which sessions something is stored, a page at a time. A manifest is removed last, so a removal that broke off is found again. */
  async *ids(signal?: AbortSignal): AsyncGenerator<readonly string[]> {
    let cursor: string | undefined;
    do {
      const page = await this.#store.list(MANIFESTS, { cursor, ...given(signal) });
      yield page.objects.map(({ key }) => idOfManifest(key)).filter((id) => id !== undefined);
      ({ cursor } = page);
    } while (cursor !== undefined);
  }

  /** Everything of this session and of no other; the manifest last, for it tells that there is something. */
  async removeAll(id: string, signal?: AbortSignal): Promise<void> {
    await this.#store.deletePrefix(filesPrefix(id), signal);
    await this.#store.delete(manifestKey(id), signal);
  }

  /** Throws a StoreError unless the store can be used right now. */
  async check(signal?: AbortSignal): Promise<void> {
    await this.#store.check(signal);
  }

  async #manifestText(id: string, signal?: AbortSignal): Promise<string | undefined> {
    try {
      const { head, content } = await this.#store.get(manifestKey(id), given(signal));
      if (head.size <= MAX_MANIFEST_BYTES) return await text(content);
      content.destroy();
      throw new StoreError('Refused', 'a manifest is larger than any that was written');
    } catch (error) {
      if (error instanceof StoreError && error.code === 'NotFound') return undefined;
      if (error instanceof StoreError) throw error;
      throw new StoreError('Unavailable', 'the store broke off', { cause: error });
    }
  }
}

function given(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
