import { type BigIntStats, type Dirent, lstatSync, readdirSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';

export interface ScannedFile {
  readonly size: number;
  readonly modifiedMs: number;
  /** Another one after every change of the file: user code can set every time but the inode's own, and cannot set the inode. */
  readonly version: string;
  readonly executable: boolean;
}

export interface Scan {
  /** By path. */
  readonly files: Map<string, ScannedFile>;
  /** There are more. */
  readonly truncated: boolean;
}

/** A thread's round trip costs ten times what it fetches here, so files are looked at in the event loop, which is let go after so many. */
const FILES_PER_TURN = 256;
const MAX_PATH_BYTES = 4_096;
/** What an upload is called until it is whole. */
const DRAFT_NAME = /^\.upload-[0-9a-f]{16}$/;

/**
 * The regular files of a workspace, at most `limit` of them and of folders. Nothing is opened: what user code puts in a file's place meanwhile
 * can at worst make the sizes of its own sandbox's files look odd.
 */
export async function scanWorkspace(root: string, limit: number): Promise<Scan> {
  const files = new Map<string, ScannedFile>();
  const folders = [''];
  let seen = 0;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of entriesOf(`${root}/${folder}`)) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (!isOfInterest(entry, path)) continue;
      if (seen >= limit) return { files, truncated: true };
      seen += 1;
      if (entry.isDirectory()) folders.push(path);
      else note(files, root, path);
      if (seen % FILES_PER_TURN === 0) await breathe();
    }
  }
  return { files, truncated: false };
}

/** What is known of one file; undefined if it is none. */
export function scanFile(root: string, path: string): ScannedFile | undefined {
  try {
    const stats = lstatSync(`${root}/${path}`, { bigint: true });
    return stats.isFile() ? describedFile(stats) : undefined;
  } catch {
    return undefined; // gone in the meantime
  }
}

function versionOf({ ctimeNs, size, ino }: BigIntStats): string {
  return [ctimeNs, size, ino].map((part) => part.toString(36)).join('-');
}

export function describedFile(stats: BigIntStats): ScannedFile {
  return {
    size: Number(stats.size),
    modifiedMs: Number(stats.mtimeMs),
    version: versionOf(stats),
    executable: (stats.mode & 0o100n) !== 0n,
  };
}

function note(files: Map<string, ScannedFile>, root: string, path: string): void {
  const file = scanFile(root, path);
  if (file !== undefined) files.set(path, file);
}

function isOfInterest(entry: Dirent, path: string): boolean {
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return false;
  return entry.isDirectory() || (entry.isFile() && !DRAFT_NAME.test(entry.name));
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return []; // gone, or closed by its owner
  }
}
