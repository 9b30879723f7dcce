import type { Registry } from 'prom-client';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { HealthServer } from './health-server.ts';
import type { HealthServerOptions } from './health-server.ts';
import type { LeaderElector } from './leader-election.ts';
import type { Logger } from './logger.ts';

/** An ObjectCache, or what behaves like one. */
export interface ManagedCache {
  readonly name: string;
  readonly synced: boolean;
  /** When, by the monotonic clock, its watch loop last moved. */
  readonly heartbeatAt: number;
  start(): void;
  stop(): Promise<void>;
  whenSynced(signal?: AbortSignal): Promise<void>;
}

/** What only the leader does: a Controller, or what behaves like one. */
export interface LeaderWork {
  start(): void;
  /** Resolves when the last of it has ended; what still goes on after `graceMs` is told to abort. */
  stop(graceMs: number): Promise<void>;
  abort(reason: Error): void;
}

/** Something that runs beside the controllers and needs no leader: a REST server, say. */
export interface Service {
  readonly name: string;
  /** Resolves when it serves; the caches are synced by then. */
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

export interface ManagerOptions {
  readonly caches: readonly ManagedCache[];
  readonly controllers: readonly LeaderWork[];
  readonly services?: readonly Service[];
  /** Absent: controllers start without asking anyone. */
  readonly election?: LeaderElector;
  readonly events?: { flush(graceMs: number): Promise<void> };
  /** Absent: no health and metrics server. */
  readonly http?: HealthServerOptions;
  readonly registry?: Registry;
  /** For the whole of `stop`; keep it below the pod's terminationGracePeriodSeconds. Default 20 s. */
  readonly graceMs?: number;
  readonly logger: Logger;
  readonly clock?: Clock;
}

/** Longer than any pause that a watch loop makes (idle timeout plus backoff): silence beyond is a loop that hangs. */
const HEARTBEAT_MS = 5 * 60_000;

/** Starts the parts of an operator in an order that works, and stops them in one that loses nothing. */
export class Manager {
  readonly #options: ManagerOptions;
  readonly #clock: Clock;
  readonly #http: HealthServer | undefined;
  readonly #stopping = new AbortController();
  #starting: Promise<void> = Promise.resolve();
  #leading: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;
  #ready = false;

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const { http, registry, logger } = options;
    const checks = { healthz: () => this.#sick(), readyz: () => this.#unready() };
    this.#http = http && new HealthServer(http, { checks, registry, logger });
  }

  /** Where health and metrics are served, once started. */
  get httpPort(): number | undefined {
    return this.#http?.port;
  }

  /**
   * Resolves when caches are synced and services serve; controllers run by then too, unless there is an election to win first.
   * Rejects when `stop` is called first.
   */
  async start(): Promise<void> {
    const { signal } = this.#stopping;
    signal.throwIfAborted();
    this.#starting = this.#startUp(signal);
    await this.#starting;
  }

  async #startUp(signal: AbortSignal): Promise<void> {
    const { caches, services = [], election } = this.#options;
    await this.#http?.start();
    for (const cache of caches) cache.start();
    await Promise.all(caches.map((cache) => cache.whenSynced(signal)));
    for (const service of services) {
      signal.throwIfAborted();
      await service.start(signal);
    }
    signal.throwIfAborted();
    this.#ready = true;
    if (election === undefined) this.#startControllers();
    else this.#leading = this.#lead(election);
  }

  /** Serves until `signal` aborts, then stops. Rejects with a LeaseLostError when the lease is lost, and the caller should exit non-zero. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => void this.stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      if (!signal.aborted) await this.start();
      await untilAborted(signal, this.#options.election?.lost);
    } catch (error) {
      // A stop in the middle of the start is no failure of the start.
      if (!signal.aborted) throw error;
    } finally {
      signal.removeEventListener('abort', stop);
      await this.stop();
    }
    this.#options.election?.lost.throwIfAborted();
  }

  /** Stops everything within the grace time; a second call waits for the first. Never throws. */
  async stop(): Promise<void> {
    this.#stopped ??= this.#shutDown();
    await this.#stopped;
  }

  async #lead(election: LeaderElector): Promise<void> {
    try {
      await election.acquire(this.#stopping.signal);
    } catch {
      return; // Stopped before it was elected.
    }
    const abort = (): void => {
      for (const controller of this.#options.controllers) controller.abort(lossOf(election));
    };
    election.lost.addEventListener('abort', abort, { once: true });
    if (!this.#stopping.signal.aborted) this.#startControllers();
  }

  #startControllers(): void {
    for (const controller of this.#options.controllers) controller.start();
  }

  async #shutDown(): Promise<void> {
    const {
      services = [],
      controllers,
      events,
      election,
      caches,
      graceMs = 20_000,
    } = this.#options;
    const deadline = this.#clock.monotonic() + graceMs;
    const left = (): number => Math.max(deadline - this.#clock.monotonic(), 0);
    this.#ready = false;
    this.#stopping.abort();
    const steps: readonly (readonly [string, () => Promise<unknown>])[] = [
      // What is half started cannot be stopped. That a start fails is told to who called it.
      ['start', () => this.#starting.catch(() => undefined)],
      ...services.map((service) => [service.name, () => service.stop()] as const),
      // Half of the time for work to end by itself, then it is aborted.
      ['controllers', () => Promise.all(controllers.map((c) => c.stop(left() / 2)))],
      ['events', async () => events?.flush(left() / 2)],
      ['election', () => this.#leading],
      ['lease', async () => election?.release()],
      ['caches', () => Promise.all(caches.map((cache) => cache.stop()))],
      ['http', async () => this.#http?.stop()],
    ];
    // None may take all that is left: one that hangs must leave time to those after it.
    for (const [name, step] of steps) await this.#stopWithin(name, left() * 0.75, step);
  }

  async #stopWithin(name: string, limitMs: number, step: () => Promise<unknown>): Promise<void> {
    const { logger } = this.#options;
    let cancel = (): void => undefined;
    const timeout = new Promise<void>((resolve) => {
      cancel = this.#clock.schedule(() => {
        logger.warn('stopping took too long, going on without', { part: name });
        resolve();
      }, limitMs);
    });
    try {
      await Promise.race([step(), timeout]);
    } catch (error) {
      logger.error('stopping failed', { part: name, error });
    } finally {
      cancel();
    }
  }

  #sick(): readonly string[] {
    const oldest = this.#clock.monotonic() - HEARTBEAT_MS;
    return this.#options.caches
      .filter((cache) => cache.heartbeatAt < oldest)
      .map((cache) => `the watch of ${cache.name} hangs`);
  }

  #unready(): readonly string[] {
    const missing = this.#options.caches
      .filter((cache) => !cache.synced)
      .map((cache) => `${cache.name} are not listed yet`);
    return missing.length === 0 && !this.#ready ? ['starting or stopping'] : missing;
  }
}

function lossOf(election: LeaderElector): Error {
  const reason: unknown = election.lost.reason;
  return reason instanceof Error ? reason : new Error('the lease was lost');
}

async function untilAborted(...signals: readonly (AbortSignal | undefined)[]): Promise<void> {
  const known = signals.filter((signal) => signal !== undefined);
  const any = AbortSignal.any(known);
  if (any.aborted) return;
  await new Promise<void>((resolve) => {
    any.addEventListener('abort', () => {
      resolve();
    });
  });
}
