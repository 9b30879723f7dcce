import { randomUUID } from 'node:crypto';
import type { BackoffOptions } from './backoff.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import type { Logger } from './logger.ts';
import type { RuntimeMetrics } from './metrics.ts';
import { outcomeOfError, outcomeOfResult } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import type { Reconcile } from './reconciler.ts';
import type { Source } from './sources.ts';
import type { RateLimit } from './token-bucket.ts';
import { WorkQueue } from './work-queue.ts';

export interface ControllerOptions {
  readonly name: string;
  readonly sources: readonly Source[];
  readonly reconcile: Reconcile;
  readonly logger: Logger;
  /** Reconciles at a time, each of another key. Default 1. */
  readonly concurrency?: number;
  /** A reconcile's signal aborts after this long. Default 60 s. */
  readonly timeoutMs?: number;
  /** Everything is looked at again about this often, to heal what no event told. Default 10 h. */
  readonly resyncMs?: number;
  readonly backoff?: BackoffOptions;
  readonly rateLimit?: RateLimit;
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly metrics?: RuntimeMetrics;
}

const DEFAULT_RESYNC_MS = 10 * 60 * 60_000;
const DEFAULT_BACKOFF: BackoffOptions = { baseMs: 5, maxMs: 5 * 60_000 };
const DEFAULT_RATE_LIMIT: RateLimit = { perSecond: 10, burst: 100 };

/** Why a reconcile's signal aborted: it took longer than the controller allows. */
export class ReconcileTimeoutError extends Error {
  override readonly name = 'ReconcileTimeoutError';
  readonly code = 'ReconcileTimeout';
  readonly retryable = true;
}

/** Feeds the keys of its sources to one reconcile function: never two at a time for one key, again after a failure, in the order they came due. */
export class Controller {
  readonly name: string;
  readonly #options: ControllerOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #queue: WorkQueue;
  readonly #running = new Set<AbortController>();
  /** What `start` began and `stop` must end. */
  readonly #cleanups: (() => void)[] = [];
  #cancelResync: () => void = () => undefined;
  #started = false;
  #pumping = false;
  #aborted = false;

  constructor(options: ControllerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#queue = new WorkQueue({
      name: options.name,
      clock: this.#clock,
      random: this.#random,
      backoff: options.backoff ?? DEFAULT_BACKOFF,
      rateLimit: options.rateLimit ?? DEFAULT_RATE_LIMIT,
      onReady: () => {
        this.#schedulePump();
      },
      metrics: options.metrics,
    });
  }

  /** Begins to work on everything there is, at low priority, and on every change. The caches behind the sources must be synced. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    for (const source of this.#options.sources) {
      this.#cleanups.push(
        source.subscribe((key, options) => {
          this.#queue.add(key, options);
        }),
      );
    }
    this.#enqueueAll();
    this.#scheduleResync();
    this.#schedulePump();
  }

  /** For callbacks from outside that have news about an object: merely says "look again". */
  enqueue(key: string, afterMs = 0): void {
    this.#queue.add(key, { afterMs });
  }

  /** Takes in nothing more, and resolves when the last reconcile has ended; those still running after `graceMs` are told to abort. */
  async stop(graceMs = 10_000): Promise<void> {
    this.#cancelResync();
    for (const cleanup of this.#cleanups.splice(0)) cleanup();
    this.#queue.shutDown();
    const cancelAbort = this.#clock.schedule(() => {
      this.abort(new Error('the controller is stopping'));
    }, graceMs);
    await this.#queue.whenIdle();
    cancelAbort();
  }

  /** Aborts what is running and begins nothing more, for when continuing would do harm (a lost lease). */
  abort(reason: Error): void {
    this.#aborted = true;
    this.#queue.shutDown();
    for (const run of this.#running) run.abort(reason);
  }

  #enqueueAll(): void {
    for (const source of this.#options.sources) {
      for (const key of source.keys()) this.#queue.add(key, { priority: 'low' });
    }
  }

  /** With a tenth of jitter, so that controllers started together drift apart. */
  #scheduleResync(): void {
    const every = this.#options.resyncMs ?? DEFAULT_RESYNC_MS;
    this.#cancelResync = this.#clock.schedule(
      () => {
        this.#enqueueAll();
        this.#scheduleResync();
      },
      every * (0.9 + this.#random() / 5),
    );
  }

  /**
   * In a microtask: every listener of the change that made the key due has seen it by then, and the next event has not been read yet.
   */
  #schedulePump(): void {
    if (this.#pumping || !this.#started) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#running.size < (this.#options.concurrency ?? 1)) {
      const key = this.#queue.take();
      if (key === undefined) return;
      void this.#work(key);
    }
  }

  async #work(key: string): Promise<void> {
    const { logger, metrics } = this.#options;
    const labels = { controller: this.name };
    const log = logger.child({ ...labels, key, reconcileId: randomUUID() });
    metrics?.activeReconciles.inc(labels);
    const startedAt = this.#clock.monotonic();
    const outcome = await this.#reconcile(key, log);
    metrics?.activeReconciles.dec(labels);
    metrics?.reconcileSeconds.observe(labels, (this.#clock.monotonic() - startedAt) / 1000);
    metrics?.reconciles.inc({ ...labels, result: outcome.result });
    this.#settle(key, outcome, log);
    this.#queue.done(key);
    this.#pump();
  }

  async #reconcile(key: string, logger: Logger): Promise<Outcome> {
    const run = new AbortController();
    const timeoutMs = this.#options.timeoutMs ?? 60_000;
    const cancelTimeout = this.#clock.schedule(() => {
      const message = `reconcile of ${key} took longer than ${String(timeoutMs)} ms`;
      run.abort(new ReconcileTimeoutError(message));
    }, timeoutMs);
    this.#running.add(run);
    try {
      return outcomeOfResult(await this.#options.reconcile(key, { signal: run.signal, logger }));
    } catch (error) {
      return outcomeOfError(error, this.#aborted);
    } finally {
      this.#running.delete(run);
      cancelTimeout();
    }
  }

  /** The one place where the outcome of a reconcile becomes what the queue does next. */
  #settle(key: string, outcome: Outcome, logger: Logger): void {
    if (outcome.result === 'error') {
      const retryInMs = this.#queue.retry(key, outcome.atLeastMs);
      const level = outcome.expected ? 'debug' : 'error';
      logger[level]('reconcile failed, will retry', { error: outcome.error, retryInMs });
      return;
    }
    this.#queue.forget(key);
    if (outcome.result === 'requeue_after') this.#queue.add(key, { afterMs: outcome.afterMs });
    if (outcome.result === 'terminal') {
      logger.error('reconcile failed for good', { error: outcome.error });
    }
  }
}
