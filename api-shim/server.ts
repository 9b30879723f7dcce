import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A listening server and the way to end it. */
export interface ApiServer {
  readonly port: number;
  /** Lets requests that are being served end for `graceMs`, then cuts them. */
  close(graceMs?: number): Promise<void>;
}

const GRACE_MS = 5_000;

/** Resolves once it listens; rejects where the port is taken. */
export async function listen(
  app: RequestListener,
  { host, port }: { host: string; port: number },
): Promise<ApiServer> {
  const server = createServer(app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return { port: portOf(server), close: (graceMs = GRACE_MS) => closeServer(server, graceMs) };
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
  server.closeIdleConnections();
  const cut = setTimeout(() => {
    server.closeAllConnections();
  }, graceMs);
  await closed;
  clearTimeout(cut);
}
