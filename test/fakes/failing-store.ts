import type { Readable } from 'node:stream';
import { StoreError } from '../../storage/objects/errors.ts';
import type {
  GetOptions,
  ListOptions,
  ObjectHead,
  ObjectPage,
  ObjectStore,
  OpenObject,
  PutOptions,
} from '../../storage/objects/object-store.ts';

/** A store that is away whenever a test says so, and tells what it was asked. */
export class FailingStore implements ObjectStore {
  readonly kind: ObjectStore['kind'];
  fails = false;
  puts = 0;
  /** What it signs. */
  link: string | undefined;
  readonly #store: ObjectStore;
  readonly #watchers = new Set<(key: string) => void>();

  constructor(store: ObjectStore) {
    this.#store = store;
    this.kind = store.kind;
  }

  /** Resolves when the manifest of this session was written, which may be now. */
  async stored(id: string): Promise<void> {
    const key = `manifests/${id}.json`;
    const written = this.#seen((put) => put === key);
    if ((await this.#store.head(key)) === undefined) await written;
  }

  /** Resolves with the next question. */
  async asked(): Promise<void> {
    await this.#seen(() => true);
  }

  locationOf(key: string): string {
    return this.#store.locationOf(key);
  }

  async put(key: string, content: Readable, options?: PutOptions): Promise<void> {
    this.#ask('');
    await this.#store.put(key, content, options);
    this.puts += 1;
    for (const watch of [...this.#watchers]) watch(key);
  }

  get(key: string, options?: GetOptions): Promise<OpenObject> {
    return this.#answer(() => this.#store.get(key, options));
  }

  head(key: string, signal?: AbortSignal): Promise<ObjectHead | undefined> {
    return this.#answer(() => this.#store.head(key, signal));
  }

  list(prefix: string, options?: ListOptions): Promise<ObjectPage> {
    return this.#answer(() => this.#store.list(prefix, options));
  }

  delete(key: string, signal?: AbortSignal): Promise<void> {
    return this.#answer(() => this.#store.delete(key, signal));
  }

  deletePrefix(prefix: string, signal?: AbortSignal): Promise<void> {
    return this.#answer(() => this.#store.deletePrefix(prefix, signal));
  }

  presign(): Promise<string | undefined> {
    return Promise.resolve(this.link);
  }

  check(signal?: AbortSignal): Promise<void> {
    return this.#answer(() => this.#store.check(signal));
  }

  close(): void {
    this.#store.close();
  }

  async #answer<T>(answer: () => Promise<T>): Promise<T> {
    this.#ask('');
    return answer();
  }

  #ask(key: string): void {
    for (const watch of [...this.#watchers]) watch(key);
    if (this.fails) throw new StoreError('Unavailable', 'the store is away');
  }

  async #seen(isIt: (key: string) => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      const watch = (key: string): void => {
        if (!isIt(key)) return;
        this.#watchers.delete(watch);
        resolve();
      };
      this.#watchers.add(watch);
    });
  }
}
