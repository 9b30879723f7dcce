import { createHash, randomBytes } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { mkdir, open, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import { exactly } from './counted.ts';
import { translateFileError } from './directory-errors.ts';
import { filesBehind } from './directory-walk.ts';
import { StoreError } from './errors.ts';
import { checkKey, checkPrefix } from './keys.ts';
import type {
  GetOptions,
  ListOptions,
  ObjectHead,
  ObjectPage,
  ObjectStore,
  OpenObject,
  PutOptions,
  StoredObject,
} from './object-store.ts';

const DEFAULT_TYPE = 'application/octet-stream';
const MAX_PAGE = 1_000;

/**
 * Objects as plain files of a folder: a laptop's S3. `objects/` can be looked at with any program; `types/` holds the content
 * types that are not the default, `drafts/` what is being written. A file comes into place by a rename on the same file system.
 */
export class DirectoryStore implements ObjectStore {
  readonly kind = 'directory';
  readonly #root: string;

  constructor(root: string) {
    this.#root = path.resolve(root);
  }

  locationOf(key: string): string {
    return pathToFileURL(this.#place('objects', key)).href;
  }

  async put(key: string, content: Readable, options: PutOptions = {}): Promise<void> {
    const place = this.#place('objects', key);
    const draft = path.join(this.#root, 'drafts', randomBytes(12).toString('hex'));
    try {
      await mkdir(path.dirname(draft), { recursive: true });
      await writeDraft(draft, content, options);
      await this.#keepType(key, options.contentType);
      await mkdir(path.dirname(place), { recursive: true });
      await rename(draft, place);
    } catch (error) {
      await rm(draft, { force: true });
      // What the content itself failed of is not the store's to explain.
      const isOfContent = error === content.errored && options.signal?.aborted !== true;
      throw isOfContent ? error : translateFileError(error, options.signal);
    } finally {
      content.destroy();
    }
  }

  async get(key: string, { range, signal }: GetOptions = {}): Promise<OpenObject> {
    signal?.throwIfAborted();
    const file = await open(this.#place('objects', key)).catch((error: unknown) => {
      throw translateFileError(error);
    });
    try {
      const head = await this.#headOf(key, await file.stat({ bigint: true }));
      const { start, end } = boundsOf(head.size, range);
      // A stream of no bytes cannot be asked for: `end` is included.
      const content = file.createReadStream(start > end ? { start: head.size } : { start, end });
      return { head, content };
    } catch (error) {
      await file.close();
      throw translateFileError(error);
    }
  }

  async head(key: string): Promise<ObjectHead | undefined> {
    try {
      return await this.#headOf(key, await stat(this.#place('objects', key), { bigint: true }));
    } catch (error) {
      const translated = translateFileError(error);
      if (translated.code === 'NotFound') return undefined;
      throw translated;
    }
  }

  async list(prefix: string, { cursor, limit = MAX_PAGE }: ListOptions = {}): Promise<ObjectPage> {
    checkPrefix(prefix);
    const objects: StoredObject[] = [];
    try {
      const files = filesBehind(
        path.join(this.#root, 'objects'),
        prefix.slice(0, -1),
        cursor ?? '',
      );
      for await (const { key, stats } of files) {
        if (objects.length === limit) return { objects, cursor: objects.at(-1)?.key ?? '' };
        objects.push(described(key, stats));
      }
      return { objects };
    } catch (error) {
      throw translateFileError(error);
    }
  }

  async delete(key: string): Promise<void> {
    const place = this.#place('objects', key);
    try {
      await rm(place, { force: true });
      await rm(this.#place('types', key), { force: true });
      await this.#removeEmptyFolders(path.dirname(key));
    } catch (error) {
      const translated = translateFileError(error);
      // A folder of that name, or a file where a folder would have to be: no such object either way.
      if (translated.code !== 'BadKey' && translated.code !== 'NotFound') throw translated;
    }
  }

  async deletePrefix(prefix: string): Promise<void> {
    const folder = checkPrefix(prefix).slice(0, -1);
    try {
      for (const part of ['objects', 'types'])
        await rm(path.join(this.#root, part, folder), { recursive: true, force: true });
    } catch (error) {
      throw translateFileError(error);
    }
  }

  presign(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async check(): Promise<void> {
    try {
      await mkdir(path.join(this.#root, 'objects'), { recursive: true });
    } catch (error) {
      throw translateFileError(error);
    }
  }

  close(): void {
    // Holds nothing open.
  }

  #place(part: 'objects' | 'types', key: string): string {
    return path.join(this.#root, part, checkKey(key));
  }

  async #keepType(key: string, type: string = DEFAULT_TYPE): Promise<void> {
    const place = this.#place('types', key);
    if (type === DEFAULT_TYPE) {
      await rm(place, { force: true });
      return;
    }
    await mkdir(path.dirname(place), { recursive: true });
    await writeFile(place, type);
  }

  async #headOf(key: string, stats: BigIntStats): Promise<ObjectHead> {
    if (!stats.isFile()) throw new StoreError('NotFound', 'there is no such object');
    const type = await readFile(this.#place('types', key), 'utf8').catch(() => DEFAULT_TYPE);
    return { ...described(key, stats), contentType: type };
  }

  /** As in S3, where there are no folders: none stays behind its last file. */
  async #removeEmptyFolders(folder: string): Promise<void> {
    for (let rest = folder; rest !== '.'; rest = path.dirname(rest)) {
      try {
        await rmdir(path.join(this.#root, 'objects', rest));
      } catch {
        return;
      }
    }
  }
}

async function writeDraft(
  draft: string,
  content: Readable,
  { size, signal }: PutOptions,
): Promise<void> {
  const file = await open(draft, 'wx', 0o600);
  const target = file.createWriteStream({ flush: true });
  const steps = size === undefined ? [content, target] : [content, exactly(size), target];
  await pipeline(steps, signal === undefined ? {} : { signal });
}

function described(key: string, stats: BigIntStats): StoredObject {
  return {
    key,
    size: Number(stats.size),
    etag: etagOf(stats),
    modifiedAt: new Date(Number(stats.mtimeMs)),
  };
}

/** A file that was written anew is another inode, or at least has another time. */
function etagOf({ ino, mtimeNs, size }: BigIntStats): string {
  const parts = [ino, mtimeNs, size].map(String).join('-');
  return `"${createHash('sha256').update(parts).digest('hex').slice(0, 32)}"`;
}

function boundsOf(size: number, range: GetOptions['range']): { start: number; end: number } {
  if (range === undefined) return { start: 0, end: size - 1 };
  if (range.start >= size)
    throw new StoreError('BadRange', `the object has only ${String(size)} bytes`);
  return { start: range.start, end: Math.min(range.end, size - 1) };
}
