import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  opendir,
  readlink,
  rename,
  rm,
  unlink,
} from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { z } from 'zod';
import type { fileEntry, fileList } from './contract.ts';
import { type ScannedFile, describedFile } from './workspace-scan.ts';
import { ProblemError } from './problem.ts';
import { pathNames } from './workspace-path.ts';

type FileEntry = z.infer<typeof fileEntry>;
type FileList = z.infer<typeof fileList>;

const MAX_ENTRIES = 10_000;
const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_DIRECTORY, O_NONBLOCK, O_NOCTTY } =
  constants;

/** A file and what it was when it was opened. */
export interface OpenFile extends ScannedFile {
  readonly file: FileHandle;
}

/**
 * The user's files. User code may swap any part of a path for a link at any moment, so nothing is decided by looking at a path first: a thing is
 * opened, then asked where it really lies, and used through its descriptor only.
 */
export class Workspace {
  readonly #root: string;

  /** `root`: free of links itself. */
  constructor(root: string) {
    this.#root = root;
  }

  /** Entries of a folder, by name; `''` is the workspace itself. */
  async list(path: string): Promise<FileList> {
    await using folder = await this.#open(
      path === '' ? [] : pathNames(path),
      O_RDONLY | O_DIRECTORY,
    );
    const names: string[] = [];
    for await (const { name } of await opendir(through(folder))) {
      names.push(name);
      if (names.length > MAX_ENTRIES) break;
    }
    const shown = names.slice(0, MAX_ENTRIES).sort();
    const entries = await Promise.all(shown.map((name) => describe(folder, name, path)));
    return {
      entries: entries.filter((entry) => entry !== undefined),
      truncated: names.length > MAX_ENTRIES,
    };
  }

  /** Opens a regular file for reading; the caller closes it. */
  async read(path: string): Promise<OpenFile> {
    // O_NONBLOCK: a pipe in the file's place would keep the call waiting for its other end.
    const file = await this.#open(pathNames(path), O_RDONLY | O_NONBLOCK | O_NOCTTY);
    try {
      const stats = await file.stat({ bigint: true });
      if (!stats.isFile()) throw new ProblemError('BadRequest', 'that is not a file');
      return { file, ...describedFile(stats) };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Puts a file in place, folders on its way included: whole, or not at all. */
  async write(path: string, content: Readable, { executable = false } = {}): Promise<void> {
    const names = pathNames(path);
    const name = names.pop() ?? '';
    await using folder = await this.#openFolderFor(names);
    const draft = `${through(folder)}/.upload-${randomBytes(8).toString('hex')}`;
    try {
      const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
      const file = await open(draft, flags, executable ? 0o755 : 0o644).catch(translate);
      // Content that the disk refuses is not destroyed: it is a request, and who sends it still has to hear of it.
      const chunks = content.iterator({ destroyOnReturn: false });
      await pipeline(chunks, file.createWriteStream()).catch(translate);
      await rename(draft, `${through(folder)}/${name}`).catch(translate);
    } catch (error) {
      // It may never have come to be, or user code has taken it; what failed is told below.
      await unlink(draft).catch(() => undefined);
      throw error;
    }
  }

  /** Removes a file, a link (not what it points to), or a folder with all that is in it. */
  async remove(path: string): Promise<void> {
    const names = pathNames(path);
    const name = names.pop() ?? '';
    await using folder = await this.#open(names, O_RDONLY | O_DIRECTORY);
    await rm(`${through(folder)}/${name}`, { recursive: true }).catch(translate);
  }

  async #openFolderFor(names: readonly string[]): Promise<FileHandle> {
    let folder = await this.#open([], O_RDONLY | O_DIRECTORY);
    for (const name of names) {
      const parent = folder;
      try {
        await mkdir(`${through(parent)}/${name}`).catch(unlessExists);
        folder = await this.#checked(`${through(parent)}/${name}`, O_RDONLY | O_DIRECTORY);
      } finally {
        await parent.close();
      }
    }
    return folder;
  }

  async #open(names: readonly string[], flags: number): Promise<FileHandle> {
    return this.#checked([this.#root, ...names].join('/'), flags);
  }

  async #checked(path: string, flags: number): Promise<FileHandle> {
    const handle = await open(path, flags).catch(translate);
    const real = await readlink(through(handle));
    if (real === this.#root || real.startsWith(`${this.#root}/`)) return handle;
    await handle.close();
    throw new ProblemError('BadRequest', 'that path leads out of the workspace');
  }
}

/** A path to what a descriptor holds, wherever that has been moved to since. */
function through(handle: FileHandle): string {
  return `/proc/self/fd/${String(handle.fd)}`;
}

async function describe(
  folder: FileHandle,
  name: string,
  parent: string,
): Promise<FileEntry | undefined> {
  try {
    const stats = await lstat(`${through(folder)}/${name}`);
    const path = parent === '' ? name : `${parent}/${name}`;
    return { path, type: typeOf(stats), size: stats.size, modifiedAt: stats.mtime.toISOString() };
  } catch {
    return undefined; // gone in the meantime
  }
}

function typeOf(stats: Stats): FileEntry['type'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  return stats.isSymbolicLink() ? 'symlink' : 'other';
}

const PROBLEMS: Readonly<Record<string, readonly [ProblemError['code'], string]>> = {
  ENOENT: ['NotFound', 'no such file or folder'],
  ENOTDIR: ['NotFound', 'a part of the path is not a folder'],
  ELOOP: ['BadRequest', 'the path runs in a circle of links'],
  EISDIR: ['Conflict', 'a folder is in the way'],
  EEXIST: ['Conflict', 'something is in the way'],
  ENOTEMPTY: ['Conflict', 'a folder is in the way'],
  EACCES: ['Conflict', 'the permissions of that file forbid it'],
  EPERM: ['Conflict', 'the permissions of that file forbid it'],
  ENXIO: ['BadRequest', 'that is not a file'],
  ENODEV: ['BadRequest', 'that is not a file'],
  ENAMETOOLONG: ['BadRequest', 'that path is too long'],
  ENOSPC: ['TooLarge', 'the disk of the sandbox is full'],
  EDQUOT: ['TooLarge', 'the disk of the sandbox is full'],
  EFBIG: ['TooLarge', 'the file is too large'],
};

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function translate(cause: unknown): never {
  const [code, message] = PROBLEMS[codeOf(cause)] ?? [];
  if (code === undefined || message === undefined) throw cause;
  throw new ProblemError(code, message, { cause });
}

function unlessExists(error: unknown): void {
  if (codeOf(error) !== 'EEXIST') translate(error);
}
