import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { runCommand } from '../../tools/run-command.ts';

const START_PATIENCE_MS = 60_000;

/** A real MariaDB of a test's own: Debian's mariadbd on a folder and a port that nobody else uses. */
export class MariaDb {
  readonly port: number;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
  }

  static async start(): Promise<MariaDb> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'mariadb-'));
    const server = new MariaDb(folder, await freePort());
    await server.#install();
    await server.resume();
    return server;
  }

  /** Of a database of that name, which is made if it is not there. */
  async url(database = `test_${Math.random().toString(36).slice(2)}`): Promise<string> {
    const connection = await this.#connect();
    await connection.query(`create database if not exists \`${database}\``);
    await connection.end();
    return `mysql://root@127.0.0.1:${this.port}/${database}`;
  }

  /** As a power cut: nothing is flushed, connections break. */
  async kill(): Promise<void> {
    const ended = this.#ended();
    this.#process?.kill('SIGKILL');
    await ended;
  }

  /** It takes connections and answers none, as a machine that is gone from the network. */
  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  /** After `kill`: the same data on the same port. */
  async resume(): Promise<void> {
    const args = [
      '--no-defaults',
      `--datadir=${this.#folder}/data`,
      `--socket=${this.socket}`,
      `--pid-file=${this.#folder}/pid`,
      `--port=${this.port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      '--innodb-buffer-pool-size=256M',
      ...asThisUser(),
    ];
    this.#process = spawn(daemon(), args, { stdio: 'ignore' });
    const deadline = Date.now() + START_PATIENCE_MS;
    while (!(await this.#answers())) {
      if (Date.now() > deadline || this.#process.exitCode !== null) {
        throw new Error('mariadbd did not start');
      }
      await pause(50);
    }
  }

  async stop(): Promise<void> {
    const ended = this.#ended();
    this.thaw();
    this.#process?.kill('SIGTERM');
    await ended;
    await rm(this.#folder, { recursive: true, force: true });
  }

  get socket(): string {
    return path.join(this.#folder, 'socket');
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

  async #answers(): Promise<boolean> {
    return this.#connect().then(
      async (connection) => {
        await connection.end();
        return true;
      },
      () => false,
    );
  }

  async #connect() {
    return createConnection({ host: '127.0.0.1', port: this.port, user: 'root' });
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

function asThisUser(): string[] {
  return [`--user=${os.userInfo().username}`];
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
