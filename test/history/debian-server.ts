import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { runCommand } from '../../tools/run-command.ts';
import type { Server } from './server.ts';
import { until } from './until.ts';

/** Debian's mariadbd on a folder of its own. */
export class DebianServer implements Server {
  /** It listens on loopback alone. */
  readonly password = '';
  readonly #folder: string;
  readonly #port: number;
  #process: ChildProcess | undefined;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
  }

  static async start(port: number): Promise<DebianServer> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'mariadb-'));
    const server = new DebianServer(folder, port);
    await server.#install();
    await server.resume();
    return server;
  }

  async kill(): Promise<void> {
    const ended = this.#ended();
    this.#process?.kill('SIGKILL');
    await ended;
  }

  /** The signal stops one thread after the other; a busy machine lets the others answer for a while. */
  async freeze(): Promise<void> {
    const { pid } = this.#process ?? {};
    if (pid === undefined) throw new Error('no server is running');
    process.kill(pid, 'SIGSTOP');
    await until(
      () => statesOfThreads(pid),
      (states) => states.every((state) => state === 'T'),
    );
  }

  async thaw(): Promise<void> {
    this.#process?.kill('SIGCONT');
    return Promise.resolve();
  }

  async resume(): Promise<void> {
    const args = [
      '--no-defaults',
      `--datadir=${this.#folder}/data`,
      `--socket=${this.#folder}/socket`,
      `--pid-file=${this.#folder}/pid`,
      `--port=${this.#port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      '--innodb-buffer-pool-size=256M',
      ...asThisUser(),
    ];
    this.#process = spawn(daemon(), args, { stdio: 'ignore' });
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    const ended = this.#ended();
    await this.thaw();
    this.#process?.kill('SIGTERM');
    await ended;
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #install(): Promise<void> {
    const { exitCode, output } = await runCommand([
      'mariadb-install-db',
      '--no-defaults',
      `--datadir=${this.#folder}/data`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      ...asThisUser(),
    ]);
    if (exitCode !== 0) throw new Error(`mariadb-install-db failed: ${output.slice(-500)}`);
  }

  async #ended(): Promise<void> {
    const running = this.#process;
    if (running?.exitCode !== null || running.signalCode !== null) return;
    await new Promise((resolve) => running.once('exit', resolve));
  }
}

/** Debian keeps it where only root has its path. */
function daemon(): string {
  return (
    ['/usr/sbin/mariadbd', '/usr/libexec/mariadbd'].find((file) => existsSync(file)) ?? 'mariadbd'
  );
}

/** A letter for each, such as `S` for sleeping and `T` for stopped (proc_pid_stat(5)); none for one that has just ended. */
async function statesOfThreads(pid: number): Promise<string[]> {
  const threads = await readdir(`/proc/${pid}/task`);
  const stats = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8').catch(() => '')),
  );
  return stats.map((stat) => stat.charAt(stat.lastIndexOf(')') + 2));
}

function asThisUser(): string[] {
  return [`--user=${os.userInfo().username}`];
}
