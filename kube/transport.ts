import type { RequestOptions } from 'node:https';
import { isDeepStrictEqual } from 'node:util';
import { Agent, ProxyAgent } from 'undici';
import type { Dispatcher } from 'undici';
import type { Clock } from './clock.ts';

/** What of client-node's KubeConfig is used: where the API server is, and how to prove who we are. */
export interface ApiServerConfig {
  getCurrentCluster(): { readonly server: string; readonly proxyUrl?: string } | null;
  /** Sets TLS options and an Authorization header, renewing tokens that expire. */
  applyToHTTPSOptions(options: RequestOptions): Promise<void>;
}

/** One request as it goes on the wire. */
export interface WireRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query. */
  readonly path: string;
  readonly contentType?: string;
  readonly body?: string;
  readonly signal: AbortSignal;
  /** A watch holds its connection for minutes, so watches have a pool of their own and calls never wait for one. */
  readonly pool: 'calls' | 'watches';
}

export interface TransportOptions {
  /** Connections for calls; more calls at a time wait their turn. */
  readonly connections: number;
  readonly userAgent: string;
  readonly clock: Clock;
}

type Pools = Readonly<Record<WireRequest['pool'], Dispatcher>>;

interface Session {
  readonly tls: object;
  readonly headers: Readonly<Record<string, string>>;
  readonly pools: Pools;
  readonly renewAt: number;
}

/** Service account tokens are rotated on disk and exec plugins hand out short-lived ones: credentials are asked for anew this often. */
const RENEW_MS = 10_000;
/** Below the 90 s after which a Go server closes an idle connection, lest a request meets the close. */
const KEEP_ALIVE_MS = 60_000;

/** Sends authenticated requests to the API server over kept-alive connections. */
export class Transport {
  readonly #config: ApiServerConfig;
  readonly #options: TransportOptions;
  readonly #server: URL;
  readonly #proxyUrl: string | undefined;
  #session: Session | undefined;
  #renewal: Promise<Session> | undefined;

  constructor(config: ApiServerConfig, options: TransportOptions) {
    const cluster = config.getCurrentCluster();
    if (cluster === null) throw new TypeError('the kubeconfig names no cluster to talk to');
    this.#config = config;
    this.#options = options;
    this.#server = new URL(cluster.server);
    this.#proxyUrl = cluster.proxyUrl;
  }

  async send(request: WireRequest): Promise<Dispatcher.ResponseData> {
    const { method, path, body, contentType, signal } = request;
    const { pools, headers } = await this.#current(signal);
    const response = await pools[request.pool].request({
      origin: this.#server.origin,
      path: `${this.#server.pathname.replace(/\/$/, '')}${path}`,
      method,
      signal,
      headers: contentType === undefined ? headers : { ...headers, 'content-type': contentType },
      ...(body === undefined ? {} : { body }),
      // undici would close the connection behind a DELETE with a body (client-h1.js, expectsPayload), and the next call would begin with a TLS handshake.
      reset: false,
    });
    if (response.statusCode === 401) this.#session = expired(this.#session);
    return response;
  }

  /** Ends all connections, open watches included. */
  async close(): Promise<void> {
    await Promise.all(Object.values(this.#session?.pools ?? {}).map((pool) => pool.destroy()));
  }

  async #current(signal: AbortSignal): Promise<Session> {
    if (this.#session !== undefined && this.#options.clock.monotonic() < this.#session.renewAt) {
      return this.#session;
    }
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = undefined;
    });
    return unlessAborted(this.#renewal, signal);
  }

  async #renew(): Promise<Session> {
    const options: RequestOptions = {};
    await this.#config.applyToHTTPSOptions(options);
    const old = this.#session;
    const tls = tlsOf(options);
    const same = old !== undefined && isDeepStrictEqual(old.tls, tls);
    const pools = same ? old.pools : this.#open(tls);
    // Graceful: calls and watches under way finish on the old certificate.
    if (old !== undefined && !same) for (const pool of Object.values(old.pools)) void pool.close();
    const headers = { ...this.#headers(), ...authorization(options) };
    this.#session = { tls, headers, pools, renewAt: this.#options.clock.monotonic() + RENEW_MS };
    return this.#session;
  }

  #headers(): Record<string, string> {
    return { accept: 'application/json', 'user-agent': this.#options.userAgent };
  }

  #open(tls: object): Pools {
    return {
      calls: this.#dispatcher(tls, this.#options.connections),
      watches: this.#dispatcher(tls, null),
    };
  }

  #dispatcher(tls: object, connections: number | null): Dispatcher {
    const options = {
      connections,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // Deadlines are the callers' (deadline.ts, and the idle timeout of list-watch.ts).
      headersTimeout: 0,
      bodyTimeout: 0,
      // On one HTTP/2 connection a lost packet would stall every watch and call together.
      allowH2: false,
    };
    if (this.#proxyUrl === undefined) {
      const connect = { ...tls, keepAlive: true, keepAliveInitialDelay: 30_000 };
      return new Agent({ ...options, connect });
    }
    return new ProxyAgent({ ...options, uri: this.#proxyUrl, requestTls: tls });
  }
}

const TLS_OPTIONS = [
  'ca',
  'cert',
  'key',
  'pfx',
  'passphrase',
  'rejectUnauthorized',
  'servername',
] as const;

function tlsOf(options: RequestOptions): object {
  return Object.fromEntries(
    TLS_OPTIONS.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]),
  );
}

function authorization({ headers = {}, auth }: RequestOptions): Record<string, string> {
  const lines: Record<string, string> = {};
  if (typeof auth === 'string') {
    lines['authorization'] = `Basic ${Buffer.from(auth).toString('base64')}`;
  }
  for (const [name, value] of Object.entries(headers)) lines[name.toLowerCase()] = String(value);
  return lines;
}

/** A credential plugin takes no signal, and whoever waits for one must not miss a deadline by it. */
async function unlessAborted<R>(work: Promise<R>, signal: AbortSignal): Promise<R> {
  let stop = (): void => undefined;
  const aborted = new Promise<void>((resolve) => (stop = resolve));
  signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
  signal.throwIfAborted();
  return work;
}

function expired(session: Session | undefined): Session | undefined {
  return session === undefined ? undefined : { ...session, renewAt: 0 };
}
