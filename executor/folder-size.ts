import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';

export interface FolderSize {
  /** Allocated on disk, as `du` counts. */
  readonly bytes: number;
  readonly entries: number;
  /** False: there is more, but counting it would take too long. */
  readonly complete: boolean;
}

/** User code may make trees of any width and depth. */
const MAX_ENTRIES = 20_000;
const FRESH_MS = 5_000;

/** The size of a folder, counted at most once in a few seconds however often it is asked for; links are not followed. */
export class FolderSizer {
  readonly #folder: string;
  readonly #now: () => number;
  readonly #maxEntries: number;
  #counted: { readonly at: number; readonly size: Promise<FolderSize> } | undefined;

  constructor(folder: string, now: () => number, maxEntries = MAX_ENTRIES) {
    this.#folder = folder;
    this.#now = now;
    this.#maxEntries = maxEntries;
  }

  size(): Promise<FolderSize> {
    const at = this.#now();
    if (this.#counted === undefined || this.#counted.at + FRESH_MS <= at)
      this.#counted = { at, size: this.#count() };
    return this.#counted.size;
  }

  async #count(): Promise<FolderSize> {
    let bytes = 0;
    let entries = 0;
    const folders = [this.#folder];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for await (const { path, isFolder } of entriesOf(folder)) {
        if (entries === this.#maxEntries) return { bytes, entries, complete: false };
        entries += 1;
        bytes += await allocated(path);
        if (isFolder) folders.push(path);
      }
    }
    return { bytes, entries, complete: true };
  }
}

/** What cannot be read (any more) holds nothing. */
async function* entriesOf(folder: string): AsyncGenerator<{ path: string; isFolder: boolean }> {
  const directory = await opendir(folder).catch(() => undefined);
  if (directory === undefined) return;
  for await (const entry of directory)
    yield { path: join(folder, entry.name), isFolder: entry.isDirectory() };
}

async function allocated(path: string): Promise<number> {
  const stats = await lstat(path).catch(() => undefined);
  return stats === undefined ? 0 : stats.blocks * 512;
}
