import { Pool } from 'undici';
import type { ExecutorTarget } from './client.ts';

/** What a connection is used for: calls have bounds that streams must not have. */
export type Use = 'call' | 'stream';

export interface ConnectionsOptions {
  readonly connectTimeoutMs: number;
  /** An answer's next bytes may take so long, but for a stream's. */
  readonly answerTimeoutMs: number;
  readonly maxAnswerBytes: number;
  /** A connection that nobody uses is closed after this. */
  readonly keepAliveMs: number;
}

interface Opened {
  readonly address: string;
  readonly pool: Pool;
}

/**
 * Pools of connections to executors, one for each pod and use, with as many connections as there are calls at once. A pool goes with its last connection: it holds
 * buffers of some 16 KiB, and of ten thousand sandboxes few are in use.
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #opened: Readonly<Record<Use, Map<string, Opened>>> = {
    call: new Map(),
    stream: new Map(),
  };

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** To be used at once, before anything is awaited: a pool that nobody uses may be closed. */
  poolFor(target: ExecutorTarget, use: Use): Pool {
    const pools = this.#opened[use];
    const address = JSON.stringify(target.address);
    const known = pools.get(target.podUID);
    if (known?.address === address) return known.pool;
    if (known !== undefined) void known.pool.destroy();
    const pool = open(target, use, this.#options);
    pools.set(target.podUID, { address, pool });
    pool.on('disconnect', () => {
      if (pools.get(target.podUID)?.pool !== pool || isUsed(pool)) return;
      pools.delete(target.podUID);
      void pool.close();
    });
    return pool;
  }

  /** Whatever is under way to this pod breaks off. */
  forget(podUID: string): void {
    for (const pools of Object.values(this.#opened)) {
      void pools.get(podUID)?.pool.destroy();
      pools.delete(podUID);
    }
  }

  /** Pools that are open. */
  get size(): number {
    return this.#opened.call.size + this.#opened.stream.size;
  }

  async close(): Promise<void> {
    const all = Object.values(this.#opened).flatMap((pools) => [...pools.values()]);
    for (const pools of Object.values(this.#opened)) pools.clear();
    await Promise.all(all.map(({ pool }) => pool.destroy()));
  }
}

function isUsed({ stats }: Pool): boolean {
  return stats.connected > 0 || stats.pending > 0 || stats.queued > 0 || stats.running > 0;
}

function open({ address }: ExecutorTarget, use: Use, options: ConnectionsOptions): Pool {
  const limits =
    use === 'call'
      ? { bodyTimeout: options.answerTimeoutMs, maxResponseSize: options.maxAnswerBytes }
      : { bodyTimeout: 0, maxResponseSize: -1 };
  const common = { ...limits, keepAliveTimeout: options.keepAliveMs, allowH2: false };
  const timeout = options.connectTimeoutMs;
  if (address.kind === 'unix') {
    return new Pool('http://executor', {
      ...common,
      connect: { socketPath: address.path, timeout },
    });
  }
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return new Pool(`http://${host}:${String(address.port)}`, { ...common, connect: { timeout } });
}
