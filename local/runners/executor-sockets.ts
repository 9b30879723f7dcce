import { createHash } from 'node:crypto';
import { watch, type FSWatcher } from 'node:fs';
import { chmod, link, lstat, mkdir, readdir, rename, rm, stat, symlink } from 'node:fs/promises';
import path from 'node:path';
import type { ExecutorAddress } from '../../executor/client.ts';

/** Where a pod finds its folder for the socket, and what the executor calls the socket there. */
export const SOCKET_MOUNT = '/run/executor';
const SOCKET_NAME = 'executor.sock';
/** For `EXECUTOR_LISTEN`. */
export const EXECUTOR_LISTEN = `unix://${SOCKET_MOUNT}/${SOCKET_NAME}`;

/** sun_path holds 108 bytes, the last of them a zero (unix(7)). */
const LONGEST_SOCKET_PATH = 107;
const OTHERS_MAY_WRITE = 0o002;
/** Of the shared folder, once the socket is there. */
const CLOSED = 0o755;

/**
 * The executors' sockets on the host's side. A pod gets a folder to put its socket in, and clients connect to a name of the same
 * socket out of the pod's reach. User code has the executor's uid, so in the shared folder it could put a link to another socket
 * of this machine; what is not itself a socket is never given that name. The shared folder is closed to the pod as soon as the
 * socket is there. Where the pod's uid is ours that cannot hold, so an executor that had to listen anew is followed.
 */
export class ExecutorSockets {
  readonly #folder: string;
  readonly #watchers = new Map<string, FSWatcher>();

  /** `folder` is private to this user, and short: see `socketsFit`. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Where clients connect; nothing listens there until the executor does. */
  address(podUID: string): ExecutorAddress {
    return { kind: 'unix', path: path.join(this.#home(podUID), 's') };
  }

  /** Makes the folder to be mounted at `SOCKET_MOUNT`, open to any uid, and waits in the background for a socket in it. */
  async provide(podUID: string): Promise<string> {
    await mkdir(this.#folder, { recursive: true });
    await chmod(this.#folder, 0o700); // refused if it is someone else's
    const shared = this.#shared(podUID);
    await mkdir(shared, { recursive: true });
    await chmod(shared, 0o777);
    await this.adopt(podUID);
    return shared;
  }

  /** Goes on following the socket of a pod that an earlier process provided for. */
  async adopt(podUID: string): Promise<void> {
    if (this.#watchers.has(podUID)) return;
    const watcher = watch(this.#shared(podUID), { persistent: false });
    this.#watchers.set(podUID, watcher);
    const follow = (): void => {
      // Not there, or gone again: the next change tells.
      this.#pin(podUID).catch(() => undefined);
    };
    watcher.on('change', follow).on('error', () => undefined);
    await this.#pin(podUID).catch(() => undefined); // it may have come before the watch did
  }

  async remove(podUID: string): Promise<void> {
    this.#unwatch(podUID);
    await rm(this.#home(podUID), { recursive: true, force: true });
  }

  /** Clears away what is left of pods other than `podUIDs`, which is asked after the look so that no newer pod is hit. */
  async keepOnly(podUIDs: () => Iterable<string>): Promise<void> {
    const found = await readdir(this.#folder).catch(() => []);
    const kept = new Set([...podUIDs()].map(shortName));
    const left = found.filter((name) => SHORT_NAME.test(name) && !kept.has(name));
    await Promise.all(left.map((name) => rm(path.join(this.#folder, name), { recursive: true })));
  }

  close(): void {
    for (const podUID of [...this.#watchers.keys()]) this.#unwatch(podUID);
  }

  /** A socket that not everyone may write to is one whose owner is not done: another uid than ours must let us in. */
  async #pin(podUID: string): Promise<void> {
    const born = path.join(this.#shared(podUID), SOCKET_NAME);
    const seen = await lstat(born);
    if (!seen.isSocket() || (seen.mode & OTHERS_MAY_WRITE) === 0) return;
    await this.#closeToPod(podUID);
    const pinned = this.#pinned(podUID);
    const before = await stat(pinned).catch(() => undefined);
    if (before?.ino === seen.ino) return;
    const fresh = `${pinned}.new`;
    await rm(fresh, { force: true });
    await this.#name(born, fresh);
    await rename(fresh, pinned);
  }

  /** Only where it is open: a chmod wakes whoever watches the folder, so one for every change would be one for ever. */
  async #closeToPod(podUID: string): Promise<void> {
    const shared = this.#shared(podUID);
    const { mode } = await stat(shared);
    if ((mode & 0o777) !== CLOSED) await chmod(shared, CLOSED);
  }

  /** A second name for `born`, which may have been swapped since it was looked at. */
  async #name(born: string, fresh: string): Promise<void> {
    try {
      await link(born, fresh);
    } catch {
      // fs.protected_hardlinks: a socket of another uid. That uid is the pod's, then, and the shared folder is closed to it.
      await symlink(born, fresh);
    }
    const named = await lstat(fresh);
    const ours = named.isSymbolicLink() ? await lstat(born) : named;
    if (!ours.isSocket()) throw new Error(`${born} is no socket`);
  }

  #unwatch(podUID: string): void {
    this.#watchers.get(podUID)?.close();
    this.#watchers.delete(podUID);
  }

  #home(podUID: string): string {
    return path.join(this.#folder, shortName(podUID));
  }

  #shared(podUID: string): string {
    return path.join(this.#home(podUID), 'shared');
  }

  #pinned(podUID: string): string {
    return path.join(this.#home(podUID), 's');
  }
}

/** Whether a socket in `folder` has a path that the kernel takes. */
export function socketsFit(folder: string): boolean {
  return (
    Buffer.byteLength(path.join(folder, shortName(''), 'shared', SOCKET_NAME)) <=
    LONGEST_SOCKET_PATH
  );
}

const SHORT_NAME = /^[0-9a-f]{16}$/;

/** UIDs are opaque to us, and too long for a socket's path. */
function shortName(podUID: string): string {
  return createHash('sha256').update(podUID).digest('hex').slice(0, 16);
}
