import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiError } from './errors.ts';

/** A listening server and the way to end it. */
export interface ApiServer {
  readonly port: number;
  /** Lets requests that are being served end for `graceMs`, then cuts them. */
  close(graceMs?: number): Promise<void>;
}

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** What the application is told with that the server is about to stop. */
  readonly closing?: AbortController;
}

/**
 * Node.js closes an idle connection after 5 s, just as a client may be about to use it, or a load balancer, whose own limit is a minute as a rule: the one that sends must be the one that
 * closes. It also gives a request five minutes to come in, which an upload of 100 MB over a slow line does not make.
 */
const LIMITS = { keepAliveTimeout: 75_000, requestTimeout: 3_600_000 };
const GRACE_MS = 5_000;
const SWEEP_MS = 50;

/** Resolves once it listens; rejects where the port is taken. */
export async function listen(
  app: RequestListener,
  { host, port, closing }: ListenOptions,
): Promise<ApiServer> {
  const server = createServer(LIMITS, app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const close = (graceMs = GRACE_MS): Promise<void> => {
    const closed = closeServer(server, graceMs);
    closing?.abort(shuttingDown());
    return closed;
  };
  return { port: portOf(server), close };
}

function shuttingDown(): ApiError {
  const headers = { 'Retry-After': '1' };
  return new ApiError('ShuttingDown', 'The server is stopping', { headers });
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('not a TCP server');
  return address.port;
}

async function closeServer(server: Server, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) =>
    server.close(() => {
      resolve();
    }),
  );
  // Connections that are kept become idle one after the other, as their requests end.
  const sweep = setInterval(() => {
    server.closeIdleConnections();
  }, SWEEP_MS);
  const cut = setTimeout(() => {
    server.closeAllConnections();
  }, graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}
