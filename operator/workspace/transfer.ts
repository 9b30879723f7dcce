import pLimit from 'p-limit';
import { ExecutorError } from '../../executor/client.ts';
import type { ExecutorFiles } from '../../executor/client.ts';
import type { WorkspaceFile } from '../../executor/contract.ts';
import { StoreError } from '../../storage/objects/errors.ts';
import type { ManifestFile } from '../../storage/workspaces/manifest.ts';
import type { StoredWorkspaces } from '../../storage/workspaces/stored-workspaces.ts';
import { bytesOf, planStore } from './plan.ts';

/** One sandbox's two sides. */
export interface TransferContext {
  readonly files: ExecutorFiles;
  readonly stored: StoredWorkspaces;
  /** The sandbox's UID. */
  readonly id: string;
  readonly limitBytes: number;
  readonly signal: AbortSignal;
}

/** What a transfer came to. */
export interface Transferred {
  readonly files: number;
  readonly bytes: number;
  /** Files that could not be taken along, whatever is tried. */
  readonly left: number;
}

/** Files of one sandbox on their way at once: their latencies add up otherwise, and each holds a few chunks only. */
const FILES_AT_ONCE = 4;

/**
 * Makes the store hold what the workspace holds. What is removed goes first, for a file may have taken a folder's place; the manifest is written
 * last, so that a pass that broke off is done again, and nothing in it was in vain.
 */
export async function storeWorkspace(context: TransferContext): Promise<Transferred> {
  const { files, stored, id, signal, limitBytes } = context;
  const listing = await files.listing({ quiet: true, signal });
  const plan = planStore(await stored.manifest(id, signal), listing, limitBytes);
  if (plan.put.length + plan.remove.length === 0) return { files: 0, bytes: 0, left: plan.left };
  await forEach(plan.remove, (path) => stored.removeFile(id, path, signal).catch(unlessHopeless));
  const room = new Room(limitBytes - bytesOf(plan.kept));
  const put = await forEach(plan.put, (file) =>
    storeFile(context, room, file).catch(unlessHopeless),
  );
  const done = put.filter((file) => file !== undefined);
  await stored.putManifest(id, { files: [...plan.kept, ...done] }, signal);
  return summary(done, plan.left + plan.put.length - done.length);
}

/** Puts into a new pod what it lacks. What is there already is newer: a local pod's volume outlives it. */
export async function restoreWorkspace(context: TransferContext): Promise<Transferred> {
  const { files, stored, id, signal } = context;
  const manifest = await stored.manifest(id, signal);
  if (manifest.files.length === 0) return summary([], 0);
  const { files: present } = await files.listing({ quiet: true, signal });
  const there = new Set(present.map(({ path }) => path));
  const missing = manifest.files.filter(({ path }) => !there.has(path));
  const put = await forEach(missing, (file) => restoreFile(context, file).catch(unlessHopeless));
  const done = put.filter((file) => file !== undefined);
  await adoptVersions(context, manifest.files, done);
  return summary(done, missing.length - done.length);
}

/** What a session may still store: files can have grown since they were listed, each a little and all of them together without end. */
class Room {
  #bytes: number;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  take(bytes: number): boolean {
    if (bytes > this.#bytes) return false;
    this.#bytes -= bytes;
    return true;
  }
}

/** As it is read now, which may be newer than as it was listed. Without room for it, what an earlier pass stored of it goes: no manifest would name that. */
async function storeFile(
  { files, stored, id, signal }: TransferContext,
  room: Room,
  { path, executable }: WorkspaceFile,
): Promise<ManifestFile | undefined> {
  const { head, content } = await files.read(path, { quiet: true, signal });
  const { size, version, modifiedAt } = head;
  if (!room.take(size)) {
    content.destroy();
    await stored.removeFile(id, path, signal);
    return undefined;
  }
  await stored.putFile(id, { path, size }, { content, signal });
  return { path, size, version, modifiedAt: modifiedAt.toISOString(), executable };
}

async function restoreFile(
  { files, stored, id, signal }: TransferContext,
  file: ManifestFile,
): Promise<ManifestFile> {
  const { path, executable } = file;
  const { head, content } = await stored.openFile(id, path, { signal });
  await files.write(path, content, { quiet: true, executable, size: head.size, signal });
  return file;
}

/** In the new pod they have other versions, and need not be stored again for that. */
async function adoptVersions(
  { files, stored, id, signal }: TransferContext,
  known: readonly ManifestFile[],
  restored: readonly ManifestFile[],
): Promise<void> {
  const listing = await files.listing({ quiet: true, signal });
  const live = new Map(listing.files.map((file) => [file.path, file]));
  const isRestored = new Set(restored);
  const adopted = known.map((file): ManifestFile => {
    const now = live.get(file.path);
    return isRestored.has(file) && now?.size === file.size
      ? { ...file, version: now.version }
      : file;
  });
  await stored.putManifest(id, { files: adopted }, signal);
}

/** Ends only when nothing is on its way any more; after a failure nothing new begins. */
async function forEach<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const limit = pLimit(FILES_AT_ONCE);
  const failures: unknown[] = [];
  const attempt = async (item: T): Promise<R[]> => {
    if (failures.length > 0) return [];
    try {
      return [await work(item)];
    } catch (error) {
      failures.push(error);
      return [];
    }
  };
  const results = await Promise.all(items.map((item) => limit(attempt, item)));
  if (failures.length > 0) throw failures[0];
  return results.flat();
}

/** One file that is gone, in the way of another or too large must not keep all others from being safe. */
function unlessHopeless(error: unknown): undefined {
  const isOfFile =
    (error instanceof ExecutorError && !error.retryable && HOPELESS_READS.has(error.code)) ||
    (error instanceof StoreError && HOPELESS_PUTS.has(error.code));
  if (!isOfFile) throw error;
}

const HOPELESS_READS: ReadonlySet<ExecutorError['code']> = new Set([
  'NotFound',
  'Refused',
  'Conflict',
  'TooLarge',
]);
const HOPELESS_PUTS: ReadonlySet<StoreError['code']> = new Set(['NotFound', 'BadKey', 'BadSize']);

function summary(files: readonly ManifestFile[], left: number): Transferred {
  return { files: files.length, bytes: bytesOf(files), left };
}
