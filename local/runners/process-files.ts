import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { PodStartError } from './pod-runner.ts';

const run = promisify(execFile);

const SANDBOX_ID = 1000;

/** A sandbox sees these instead of the host's own. */
const OWN_ETC: Readonly<Record<string, string>> = {
  passwd:
    'root:x:0:0:root:/root:/usr/sbin/nologin\nsandbox:x:1000:1000::/workspace:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
  group: 'root:x:0:\nsandbox:x:1000:\nnogroup:x:65534:\n',
  hosts: '127.0.0.1 localhost\n::1 localhost\n',
};

/** Folders that every sandbox of the process runner is built from. */
export interface CommonFolders {
  readonly etc: string;
  /** Empty, and stays so. */
  readonly mountPoint: string;
}

export async function provideCommonFolders(runFolder: string): Promise<CommonFolders> {
  const etc = path.join(runFolder, 'host', 'etc');
  const mountPoint = path.join(runFolder, 'host', 'root');
  await mkdir(etc, { recursive: true });
  await chmod(runFolder, 0o700); // refused if it is someone else's
  await mkdir(mountPoint, { recursive: true });
  for (const [name, text] of Object.entries(OWN_ETC)) await writeFile(path.join(etc, name), text);
  return { etc, mountPoint };
}

/** Folders of sandboxes of the process runner, such as their workspaces: one each, beneath one that only this user may enter. */
export class WorkspaceFolders {
  readonly #folder: string;
  readonly #root: boolean;

  constructor(folder: string, root: boolean) {
    this.#folder = folder;
    this.#root = root;
  }

  async provide(workspaceId: string): Promise<string> {
    if (!/^[A-Za-z0-9-]{1,128}$/.test(workspaceId)) {
      const message = `the UID of the pod's owner, ${workspaceId}, names no folder`;
      throw new PodStartError('CreateContainerConfigError', message, { retryable: false });
    }
    const folder = path.join(this.#folder, workspaceId);
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o755);
    if (this.#root) await chown(folder, SANDBOX_ID, SANDBOX_ID);
    return folder;
  }

  async keepOnly(wanted: ReadonlySet<string>): Promise<void> {
    const found = await readdir(this.#folder).catch(() => []);
    await Promise.all(found.filter((name) => !wanted.has(name)).map((name) => this.remove(name)));
  }

  /** By programs that walk with descriptors: user code may have made paths that are longer than a system call takes, and closed folders. */
  async remove(name: string): Promise<void> {
    const folder = path.join(this.#folder, name);
    await run('chmod', ['-R', 'u+rwX', '--', folder]).catch(() => undefined);
    await run('rm', ['-rf', '--', folder]);
  }
}
