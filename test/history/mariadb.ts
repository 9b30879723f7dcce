import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { createConnection } from 'mysql2/promise';
import { ContainerServer } from './container-server.ts';
import { DebianServer } from './debian-server.ts';
import type { Server } from './server.ts';

const START_PATIENCE_MS = 60_000;

/** A real MariaDB of a test's own, on a port that nobody else uses: in a container of the image that MARIADB_IMAGE names, else Debian's. */
export class MariaDb {
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async start(): Promise<MariaDb> {
    const image = process.env['MARIADB_IMAGE'];
    const port = await freePort();
    const server = await (image === undefined
      ? DebianServer.start(port)
      : ContainerServer.start(image, port));
    const mariaDb = new MariaDb(server, port);
    await mariaDb.#answers();
    return mariaDb;
  }

  /** Of root. */
  get password(): string {
    return this.#server.password;
  }

  /** Of a database of that name, which is made if it is not there. */
  async url(database = `test_${Math.random().toString(36).slice(2)}`): Promise<string> {
    const connection = await this.#connect();
    await connection.query(`create database if not exists \`${database}\``);
    await connection.end();
    return `mysql://root:${this.password}@127.0.0.1:${this.port}/${database}`;
  }

  /** Such as `11.8.9-MariaDB`. */
  async version(): Promise<string> {
    const connection = await this.#connect();
    const [rows] = await connection.query('select version() as version');
    await connection.end();
    return JSON.stringify(rows).replaceAll(/.*:"|"}]$/g, '');
  }

  /** As a power cut: nothing is flushed, connections break. */
  kill(): Promise<void> {
    return this.#server.kill();
  }

  /** It takes connections and answers none, as a machine that is gone from the network. */
  freeze(): Promise<void> {
    return this.#server.freeze();
  }

  thaw(): Promise<void> {
    return this.#server.thaw();
  }

  /** After `kill`: the same data on the same port. */
  async resume(): Promise<void> {
    await this.#server.resume();
    await this.#answers();
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  async #answers(): Promise<void> {
    const deadline = Date.now() + START_PATIENCE_MS;
    for (;;) {
      const failure = await this.#connect().then(
        (connection) => connection.end(),
        (error: unknown) => error,
      );
      if (failure === undefined) return;
      if (Date.now() > deadline) throw new Error('MariaDB did not start', { cause: failure });
      await pause(50);
    }
  }

  async #connect() {
    const { port, password } = this;
    return createConnection({ host: '127.0.0.1', port, user: 'root', password });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
