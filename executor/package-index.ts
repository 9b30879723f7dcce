import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** How long a request waits for an index to be lent: the control plane may be starting anew. */
const PATIENCE_MS = 60_000;
const ATTEMPTS = 5;
const PASSED_ON = ['content-type', 'content-length'] as const;

/** An index at an address of the sandbox, for as long as an installer needs it. */
export interface IndexAddress {
  readonly url: string;
  close(): void;
}

/**
 * The package index that the control plane lends. A sandbox has no network: requests of its installer travel back over the connection that the
 * control plane has opened. Should that break, requests wait for the next one, so a control plane that restarts interrupts no installation.
 */
export class LentIndex {
  #session: ClientHttp2Session | undefined;
  readonly #waiting = new Set<(session: ClientHttp2Session) => void>();

  /** Takes over a connection that was upgraded to `PACKAGE_INDEX_PROTOCOL`; the newest one counts. */
  async attach(socket: Duplex): Promise<void> {
    // Not before it is needed: most sandboxes never install anything.
    const { connect } = await import('node:http2');
    const session = connect('http://index', { createConnection: () => socket });
    session.on('error', () => undefined);
    session.once('close', () => {
      if (this.#session === session) this.#session = undefined;
    });
    // Not gracefully: what was asked over it is asked anew over this one.
    this.#session?.destroy();
    this.#session = session;
    for (const resolve of this.#waiting) resolve(session);
    this.#waiting.clear();
  }

  /** Serves what lies below `prefix` on a port of the loopback. */
  async serve(prefix: string): Promise<IndexAddress> {
    const server = createServer((request, response) => {
      // Nobody lends an index, or it broke off: the installer says so in its own words, and is asked anew where it can be.
      this.#forward(prefix, request, response).catch(() => {
        if (response.headersSent) response.destroy();
        else response.writeHead(502).end();
      });
    });
    server.requestTimeout = 0;
    await listening(server);
    const { port } = server.address() as AddressInfo;
    return {
      url: `http://127.0.0.1:${String(port)}`,
      close: () => {
        server.close();
        server.closeAllConnections();
      },
    };
  }

  async #forward(prefix: string, asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { method = '', url = '/' } = asked;
    asked.resume();
    if (method !== 'GET' && method !== 'HEAD') {
      answer.writeHead(405).end();
      return;
    }
    const { stream, headers } = await this.#ask(method, `${prefix}${url}`, answer);
    const passedOn = PASSED_ON.flatMap((name) => {
      const value = headers[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    answer.writeHead(headers[':status'] ?? 502, Object.fromEntries(passedOn));
    await pipeline(stream, answer);
  }

  /** A question that lost its connection before there was an answer is asked again over the next. */
  async #ask(method: string, path: string, asker: ServerResponse): Promise<Answered> {
    for (let attempt = 1; ; attempt += 1) {
      const session = await this.#lent();
      const stream = session.request({ ':method': method, ':path': path });
      asker.once('close', () => {
        stream.destroy();
      });
      try {
        return { stream, headers: await headersOf(stream) };
      } catch (error) {
        if (attempt === ATTEMPTS || asker.destroyed) throw error;
      }
    }
  }

  async #lent(): Promise<ClientHttp2Session> {
    if (this.#session?.closed === false) return this.#session;
    const { promise, resolve, reject } = Promise.withResolvers<ClientHttp2Session>();
    this.#waiting.add(resolve);
    const timer = setTimeout(() => {
      this.#waiting.delete(resolve);
      reject(new Error('no package index is lent'));
    }, PATIENCE_MS);
    return promise.finally(() => {
      clearTimeout(timer);
    });
  }
}

type AnswerHeaders = IncomingHttpHeaders & { readonly ':status'?: number };

interface Answered {
  readonly stream: ClientHttp2Stream;
  readonly headers: AnswerHeaders;
}

function headersOf(stream: ClientHttp2Stream): Promise<AnswerHeaders> {
  const { promise, resolve, reject } = Promise.withResolvers<AnswerHeaders>();
  stream.once('response', resolve);
  stream.on('error', reject);
  stream.once('close', () => {
    reject(new Error('the index hung up'));
  });
  return promise;
}

function listening(server: Server): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  server.once('error', reject);
  server.listen({ host: '127.0.0.1', port: 0 }, () => {
    resolve(undefined);
  });
  return promise;
}
