import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../kube/clock.ts';
import { createHttpClient } from '../../kube/http-client.ts';
import type { HttpClient } from '../../kube/http-client.ts';
import type { ApiServerConfig } from '../../kube/transport.ts';

/** One request as it arrived. */
export interface Heard {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

export type Answer = (request: Heard, response: ServerResponse) => void;

const stops: (() => Promise<unknown>)[] = [];

/** Ends what the test began, last first; for `afterEach`. */
export async function stopAll(): Promise<void> {
  for (const stop of stops.splice(0).reverse()) await stop();
}

export function stopLater(stop: () => Promise<unknown>): void {
  stops.push(stop);
}

/** A throw-away server on loopback that answers as the test says and keeps what it heard. */
export async function serve(
  answer: Answer,
): Promise<{ heard: Heard[]; url: string; connections: () => number }> {
  const heard: Heard[] = [];
  const server: Server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const body: unknown = text === '' ? undefined : JSON.parse(text);
      const entry = { method, url, headers, body };
      heard.push(entry);
      answer(entry, response);
    });
  });
  let connections = 0;
  server.on('connection', () => (connections += 1));
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  stops.push(
    () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  );
  const { port } = server.address() as AddressInfo;
  return { heard, url: `http://127.0.0.1:${String(port)}`, connections: () => connections };
}

/** A client for it, without credentials unless `config` brings some. */
export function connect(
  server: string,
  options: { config?: Partial<ApiServerConfig>; clock?: Clock; requestTimeoutMs?: number } = {},
): HttpClient {
  const { config, ...rest } = options;
  const target: ApiServerConfig = {
    getCurrentCluster: () => ({ server }),
    applyToHTTPSOptions: () => Promise.resolve(),
    ...config,
  };
  const client = createHttpClient(target, rest);
  stops.push(() => client.close());
  return client;
}

/** Answers with JSON, whatever was asked. */
export const json =
  (status: number, body: object, headers: Record<string, string> = {}): Answer =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
