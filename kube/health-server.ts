import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import type { Logger } from './logger.ts';

export interface HealthServerOptions {
  /** 0: any free one. */
  readonly port: number;
  readonly host?: string;
}

export interface HealthServerParts {
  readonly checks: Checks;
  /** Absent: there are no metrics. */
  readonly registry: Registry | undefined;
  readonly logger: Logger;
}

/** What is wrong, by name; empty: nothing. */
export type Check = () => readonly string[];

export interface Checks {
  /** The process can still do its work; if not, it should be restarted. */
  readonly healthz: Check;
  /** The process can do its work now. */
  readonly readyz: Check;
}

/** Serves `/healthz` and `/readyz` to the kubelet and `/metrics` to Prometheus. */
export class HealthServer {
  readonly #options: HealthServerOptions;
  readonly #parts: HealthServerParts;
  readonly #server: Server;

  constructor(options: HealthServerOptions, parts: HealthServerParts) {
    this.#options = options;
    this.#parts = parts;
    this.#server = createServer(
      (request, response) => void this.#answer(request.url ?? '/', response),
    );
  }

  /** Undefined until it listens. */
  get port(): number | undefined {
    const address = this.#server.address();
    return typeof address === 'object' ? address?.port : undefined;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.port, this.#options.host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.closeAllConnections();
    });
  }

  async #answer(url: string, response: ServerResponse): Promise<void> {
    const path = url.split('?', 1)[0];
    const { checks, registry } = this.#parts;
    if (path === '/healthz') this.#report(checks.healthz(), response);
    else if (path === '/readyz') this.#report(checks.readyz(), response);
    else if (path === '/metrics' && registry !== undefined) {
      await this.#scrape(registry, response);
    } else response.writeHead(404).end('not found\n');
  }

  async #scrape(registry: Registry, response: ServerResponse): Promise<void> {
    try {
      const text = await registry.metrics();
      response.writeHead(200, { 'content-type': registry.contentType }).end(text);
    } catch (error) {
      // One of ours that throws is a bug, whose words are not for whoever asks here.
      this.#parts.logger.error('a metric could not be collected', { error });
      response.writeHead(500).end('a metric could not be collected\n');
    }
  }

  #report(problems: readonly string[], response: ServerResponse): void {
    response.writeHead(problems.length === 0 ? 200 : 503, { 'content-type': 'text/plain' });
    response.end(problems.length === 0 ? 'ok\n' : `${problems.join('\n')}\n`);
  }
}
