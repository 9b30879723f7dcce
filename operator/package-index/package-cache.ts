import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface CachedFile {
  readonly path: string;
  readonly bytes: number;
}

export interface ProvideOptions {
  /** Where it is made from. Who wants the same from elsewhere does not wait for this one, which may be slow or a lie. */
  readonly source?: string;
  /** Lets whoever asks have their turn before it is made. */
  readonly turn?: <T>(work: () => Promise<T>) => Promise<T>;
}

function atOnce<T>(work: () => Promise<T>): Promise<T> {
  return work();
}

/** How far below its limit a cache is brought, so that not every file that comes makes another one go. */
const ROOM = 0.9;

/**
 * Files on a disk, shared by all sandboxes; the least recently used ones go when it is full. A file is made under another name and then put in its place, so
 * whoever finds one finds all of it, also after a crash. Names are the caller's: a digest of the content, or of the address where nobody promised a content.
 */
export class PackageCache {
  readonly #folder: string;
  readonly maxBytes: number;
  readonly #onLookup: (isHit: boolean) => void;
  readonly #making = new Map<string, Promise<CachedFile>>();
  #bytes: number | undefined;

  /** `onLookup`: told whether a file that was asked for was there. */
  constructor(
    folder: string,
    maxBytes: number,
    onLookup: (isHit: boolean) => void = () => undefined,
  ) {
    this.#folder = folder;
    this.maxBytes = maxBytes;
    this.#onLookup = onLookup;
  }

  /** Removes what an earlier process left half done. */
  async open(): Promise<void> {
    await rm(this.#unfinished, { recursive: true, force: true });
    await mkdir(this.#unfinished, { recursive: true });
  }

  async find(name: string): Promise<CachedFile | undefined> {
    const path = join(this.#folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) return undefined;
    const now = new Date();
    // Only for the order in which files go.
    await utimes(path, now, now).catch(() => undefined);
    return { path, bytes: found.size };
  }

  /** The file of this name, made by `make` if there is none; however many ask for it from the same source at a time, it is made once. */
  async provide(
    name: string,
    make: (path: string) => Promise<void>,
    { source = '', turn = atOnce }: ProvideOptions = {},
  ): Promise<CachedFile> {
    const found = await this.find(name);
    this.#onLookup(found !== undefined);
    return (
      found ??
      turn(async () => (await this.find(name)) ?? this.#shared(`${name} ${source}`, name, make))
    );
  }

  #shared(key: string, name: string, make: (path: string) => Promise<void>): Promise<CachedFile> {
    const making = this.#making.get(key) ?? this.#make(name, make);
    this.#making.set(key, making);
    return making.finally(() => this.#making.delete(key));
  }

  async read(name: string): Promise<string | undefined> {
    const found = await this.find(name);
    return found && readFile(found.path, 'utf8').catch(() => undefined);
  }

  async write(name: string, text: string): Promise<void> {
    await this.#make(name, (path) => writeFile(path, text));
  }

  async #make(name: string, make: (path: string) => Promise<void>): Promise<CachedFile> {
    const unfinished = join(this.#unfinished, randomUUID());
    try {
      await make(unfinished);
      const { size } = await stat(unfinished);
      const path = join(this.#folder, name);
      await rename(unfinished, path);
      await this.#grow(size);
      return { path, bytes: size };
    } finally {
      await rm(unfinished, { force: true });
    }
  }

  async #grow(bytes: number): Promise<void> {
    this.#bytes = this.#bytes === undefined ? undefined : this.#bytes + bytes;
    if (this.#bytes !== undefined && this.#bytes <= this.maxBytes) return;
    const files = await this.#files();
    let total = files.reduce((sum, file) => sum + file.bytes, 0);
    const isFull = total > this.maxBytes;
    for (const { path, bytes: freed } of isFull ? files : []) {
      if (total <= this.maxBytes * ROOM) break;
      await rm(path, { force: true });
      total -= freed;
    }
    this.#bytes = total;
  }

  /** The least recently used first. */
  async #files(): Promise<readonly (CachedFile & { readonly usedAt: number })[]> {
    const entries = await readdir(this.#folder, { withFileTypes: true });
    const files = await Promise.all(
      entries
        .filter((entry) => entry.isFile())
        .map(async ({ name }) => {
          const path = join(this.#folder, name);
          const found = await stat(path).catch(() => undefined);
          return found && { path, bytes: found.size, usedAt: found.mtimeMs };
        }),
    );
    return files.filter((file) => file !== undefined).sort((a, b) => a.usedAt - b.usedAt);
  }

  get #unfinished(): string {
    return join(this.#folder, 'unfinished');
  }
}
