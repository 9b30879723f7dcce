import { type FSWatcher, chmodSync, statSync, watch } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { type IncomingMessage, type RequestListener, type Server, createServer } from 'node:http';
import { basename, dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../kube/logger.ts';
import type { ListenAddress } from './config.ts';

/** Longer than the control plane keeps idle connections, so that it is the one to close them. */
const KEEP_ALIVE_MS = 75_000;
/** A sandbox's own code can connect too; without a token it must not be able to use up the executor. */
const MAX_CONNECTIONS = 512;
const MAX_HEADER_MS = 10_000;
const RELISTEN_PAUSE_MS = 20;

export interface Handlers {
  readonly request: RequestListener;
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

/** Serves HTTP on the address; a socket file that user code removes is put back. */
export class HttpListener {
  readonly #address: ListenAddress;
  readonly #handlers: Handlers;
  readonly #log: Logger;
  #server: Server | undefined;
  #watcher: FSWatcher | undefined;
  #inode: bigint | undefined;
  #listening: Promise<void> = Promise.resolve();

  constructor(address: ListenAddress, handlers: Handlers, log: Logger) {
    this.#address = address;
    this.#handlers = handlers;
    this.#log = log;
  }

  async open(): Promise<void> {
    await this.#listen();
    if (this.#address.kind === 'unix') this.#guard(this.#address.path);
  }

  close(): void {
    this.#watcher?.close();
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  async #listen(): Promise<void> {
    const address = this.#address;
    // Of an earlier process; usually there is none, and what cannot be removed fails to be listened on below.
    if (address.kind === 'unix') await unlink(address.path).catch(() => undefined);
    const server = createServer(
      { keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: MAX_HEADER_MS, requestTimeout: 0 },
      this.#handlers.request,
    );
    server.on('upgrade', this.#handlers.upgrade);
    server.maxConnections = MAX_CONNECTIONS;
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    server.once('error', reject);
    server.listen(
      address.kind === 'unix' ? { path: address.path } : { host: address.host, port: address.port },
      () => {
        resolve(undefined);
      },
    );
    await promise;
    server.on('error', (error) => {
      this.#log.error('server', { error: error.message });
    });
    this.#server = server;
    // The control plane need not have the user of the sandbox; who may come near the socket is decided by the folder, who may speak by the token.
    if (address.kind === 'unix') chmodSync(address.path, 0o666);
    this.#inode = this.#inodeNow();
  }

  #guard(path: string): void {
    try {
      this.#watcher = watch(dirname(path), (_event, name) => {
        if (name === null || name === basename(path))
          this.#listening = this.#listening.then(() => this.#relisten());
      });
      this.#watcher.on('error', () => undefined);
    } catch (error) {
      // inotify instances are counted per user of the machine: another sandbox may have taken them all, which must not end this one.
      this.#log.warn('socket file is not watched', { error: String(error) });
    }
  }

  async #relisten(): Promise<void> {
    while (this.#inodeNow() !== this.#inode) {
      this.#log.warn('socket file is gone; listening anew');
      // Before the new one listens: closing a server removes whatever lies at its path. Its connections are served on.
      this.#server?.close();
      await this.#listen().catch((error: unknown) => sleep(RELISTEN_PAUSE_MS, error));
    }
  }

  #inodeNow(): bigint | undefined {
    if (this.#address.kind !== 'unix') return undefined;
    return statSync(this.#address.path, { bigint: true, throwIfNoEntry: false })?.ino;
  }
}
