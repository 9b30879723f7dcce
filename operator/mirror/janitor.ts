import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import type { Database } from '../../storage/history/database.ts';
import { historyError } from '../../storage/history/errors.ts';
import { purge, type Retention } from '../../storage/history/retention.ts';
import type { MirrorMetrics } from './metrics.ts';

export interface JanitorOptions {
  readonly database: Database;
  readonly retention: Retention;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MirrorMetrics;
}

const EVERY_MS = 60 * 60_000;
/** Not right after a start, which has better things to do. */
const FIRST_AFTER_MS = 60_000;

/** Removes what is older than it may get, once an hour, while this process leads. */
export class Janitor {
  readonly #options: JanitorOptions;
  readonly #stop = new AbortController();
  #cancelTimer: () => void = () => undefined;
  #working: Promise<void> = Promise.resolve();

  constructor(options: JanitorOptions) {
    this.#options = options;
  }

  start(): void {
    this.#schedule(FIRST_AFTER_MS);
  }

  async stop(): Promise<void> {
    this.abort();
    await this.#working;
  }

  abort(): void {
    this.#stop.abort();
    this.#cancelTimer();
  }

  #schedule(afterMs: number): void {
    this.#cancelTimer = this.#options.clock.schedule(() => {
      this.#working = this.#clean().finally(() => {
        if (!this.#stop.signal.aborted) this.#schedule(EVERY_MS);
      });
    }, afterMs);
  }

  async #clean(): Promise<void> {
    const { database, retention, clock, logger, metrics } = this.#options;
    try {
      const rows = await purge(database, retention, {
        now: clock.now(),
        signal: this.#stop.signal,
      });
      metrics.purged(rows);
      if (rows > 0) logger.info('removed old rows of history', { rows });
    } catch (error) {
      logger.warn('old rows of history could not be removed', { error: historyError(error) });
    }
  }
}
