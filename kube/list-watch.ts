import { Backoff } from './backoff.ts';
import type { BackoffOptions } from './backoff.ts';
import type { KubeClient, WatchEvent } from './client.ts';
import type { Clock } from './clock.ts';
import { GoneError, KubeError, TooManyRequestsError, UnavailableError } from './errors.ts';
import type { Logger } from './logger.ts';
import type { RuntimeMetrics } from './metrics.ts';
import type { KubeObject, ResourceType } from './objects.ts';
import { sleep } from './sleep.ts';

/** What was asked to be mirrored. */
export interface Selection<T extends KubeObject> {
  readonly type: ResourceType<T>;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ListWatchOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly selection: Selection<T>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: RuntimeMetrics | undefined;
  readonly pageSize: number;
  readonly idleTimeoutMs: number;
  readonly backoff: BackoffOptions;
}

export type ObjectEvent<T extends KubeObject> = Exclude<WatchEvent<T>, { type: 'BOOKMARK' }>;

/** Where a list-watch pours what it learns. */
export interface ListWatchSink<T extends KubeObject> {
  /** What of an object is worth keeping, asked as it arrives: of a long list no more than one page is ever there whole. */
  prepare(received: T): T;
  /** `items` is the whole world as of now. */
  replace(items: readonly T[]): void;
  apply(event: ObjectEvent<T>): void;
}

/** API servers send a bookmark about once a minute (at most 75 s apart), so longer silence means a half-open connection. */
export const DEFAULT_IDLE_TIMEOUT_MS = 90_000;
export const DEFAULT_PAGE_SIZE = 500;
export const DEFAULT_WATCH_BACKOFF: BackoffOptions = { baseMs: 200, maxMs: 30_000 };

/** A watch that closes sooner without a single event is a failure, however politely it was closed. */
const HEALTHY_WATCH_MS = 1_000;
/** By then the last resource version is surely compacted; asking for it again and again cannot help. */
const RELIST_AFTER_MS = 5 * 60_000;
/** However long a server asks to be left alone, a cache must not be deaf for longer. */
const LONGEST_RETRY_AFTER_MS = 2 * 60_000;

/** Mirrors a selection of objects into a sink: lists once, then watches for ever. Only the signal ends it. */
export class ListWatch<T extends KubeObject> {
  readonly #options: ListWatchOptions<T>;
  readonly #sink: ListWatchSink<T>;
  readonly #backoff: Backoff;
  /** Undefined: the next step is a list. */
  #resourceVersion: string | undefined;
  #contactAt: number;
  #heartbeatAt: number;

  constructor(options: ListWatchOptions<T>, sink: ListWatchSink<T>) {
    this.#options = options;
    this.#sink = sink;
    this.#backoff = new Backoff(options.backoff, options.random);
    this.#contactAt = options.clock.monotonic();
    this.#heartbeatAt = this.#contactAt;
  }

  /** When, by the monotonic clock, the loop last moved, be it to fail again: old means that the loop itself hangs. */
  get heartbeatAt(): number {
    return this.#heartbeatAt;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const delay = await this.#step(signal);
      this.#heartbeatAt = this.#options.clock.monotonic();
      if (delay > 0) await sleep(this.#options.clock, delay, signal);
    }
  }

  /** One list or one watch; never throws, and returns how long to wait before the next one. */
  async #step(signal: AbortSignal): Promise<number> {
    try {
      if (this.#resourceVersion !== undefined)
        return await this.#watch(this.#resourceVersion, signal);
      await this.#list(signal);
      return 0;
    } catch (error) {
      return signal.aborted ? 0 : this.#failed(error);
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { items, resourceVersion } = await this.#pages(signal);
    this.#options.metrics?.lists.inc({ kind: this.#kind });
    this.#touch(resourceVersion);
    this.#deliver(() => {
      this.#sink.replace(items);
    });
  }

  async #pages(signal: AbortSignal): Promise<{ items: readonly T[]; resourceVersion: string }> {
    const { client, selection, pageSize, clock } = this.#options;
    const { type, ...filter } = selection;
    const items: T[] = [];
    let token: string | undefined;
    for (;;) {
      try {
        const page = await client.list(type, { ...filter, ...pageOf(pageSize, token), signal });
        for (const item of page.items) items.push(this.#sink.prepare(item));
        this.#heartbeatAt = clock.monotonic();
        token = page.metadata.continue;
        const { resourceVersion } = page.metadata;
        if (token === undefined || token === '') return { items, resourceVersion };
      } catch (error) {
        // The continue token expired: a second paging would be as slow as the first, one big page cannot expire.
        if (!(error instanceof GoneError) || token === undefined) throw error;
        const whole = await client.list(type, { ...filter, signal });
        const kept = whole.items.map((item) => this.#sink.prepare(item));
        return { items: kept, resourceVersion: whole.metadata.resourceVersion };
      }
    }
  }

  async #watch(resourceVersion: string, signal: AbortSignal): Promise<number> {
    const { client, selection, clock, random } = this.#options;
    const { type, ...filter } = selection;
    const startedAt = clock.monotonic();
    let heard = false;
    const attempt = new AbortController();
    const release = this.#guard(attempt, signal);
    // Spread over 5 to 10 minutes, so that the watches of many clients do not all come back at once (as client-go does).
    const timeoutSeconds = 300 + Math.floor(random() * 300);
    const options = { ...filter, resourceVersion, timeoutSeconds, signal: attempt.signal };
    try {
      for await (const event of client.watch(type, options)) {
        // Not by its age: what fails late without an event may be a connection that was never made.
        if (!heard) this.#backoff.reset();
        heard = true;
        this.#receive(event);
      }
    } finally {
      release();
    }
    return this.#closed(heard || clock.monotonic() - startedAt >= HEALTHY_WATCH_MS);
  }

  /** Aborts the attempt on the caller's abort and when nothing was heard for too long. Returns the undoing of both. */
  #guard(attempt: AbortController, signal: AbortSignal): () => void {
    const { clock, idleTimeoutMs } = this.#options;
    this.#heartbeatAt = clock.monotonic();
    let cancel = (): void => undefined;
    // Rearmed when it fires and not per event: a busy watch pays nothing.
    const check = (): void => {
      const remaining = this.#heartbeatAt + idleTimeoutMs - clock.monotonic();
      if (remaining <= 0) attempt.abort(silence(idleTimeoutMs));
      else cancel = clock.schedule(check, remaining);
    };
    check();
    const onAbort = (): void => {
      attempt.abort(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    return () => {
      cancel();
      signal.removeEventListener('abort', onAbort);
    };
  }

  #receive(event: WatchEvent<T>): void {
    if (event.type === 'BOOKMARK') {
      this.#touch(event.resourceVersion);
      return;
    }
    this.#touch(event.object.metadata.resourceVersion);
    this.#deliver(() => {
      this.#sink.apply({ ...event, object: this.#sink.prepare(event.object) });
    });
  }

  #touch(resourceVersion: string): void {
    this.#resourceVersion = resourceVersion;
    this.#contactAt = this.#heartbeatAt = this.#options.clock.monotonic();
  }

  /** A sink that throws is a bug of the sink; the mirror goes on. */
  #deliver(deliver: () => void): void {
    try {
      deliver();
    } catch (error) {
      this.#options.logger.error('a watch handler failed', { kind: this.#kind, error });
    }
  }

  /** A clean close is the rule and costs no delay, unless it comes at once and over and over. */
  #closed(healthy: boolean): number {
    this.#options.metrics?.watchRestarts.inc({ kind: this.#kind, cause: 'closed' });
    if (!healthy) return this.#backoff.next();
    this.#backoff.reset();
    this.#contactAt = this.#options.clock.monotonic();
    return 0;
  }

  #failed(error: unknown): number {
    const { clock, logger, metrics } = this.#options;
    const cause = causeOf(error);
    metrics?.watchRestarts.inc({ kind: this.#kind, cause });
    if (cause === 'gone' || clock.monotonic() - this.#contactAt > RELIST_AFTER_MS) {
      this.#resourceVersion = undefined;
    }
    const asked = error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0;
    const delayMs = Math.max(this.#backoff.next(), Math.min(asked, LONGEST_RETRY_AFTER_MS));
    logger.warn('list or watch failed, will retry', { kind: this.#kind, cause, delayMs, error });
    return delayMs;
  }

  get #kind(): string {
    return this.#options.selection.type.kind;
  }
}

function pageOf(limit: number, token: string | undefined): { limit: number; continue?: string } {
  return token === undefined ? { limit } : { limit, continue: token };
}

function silence(idleTimeoutMs: number): UnavailableError {
  const message = `nothing was heard on the watch for ${String(idleTimeoutMs)} ms`;
  return new UnavailableError({ code: 0, reason: 'Silent', message }, { retryable: true });
}

function causeOf(error: unknown): string {
  if (error instanceof GoneError) return 'gone';
  if (error instanceof TooManyRequestsError) return 'throttled';
  if (error instanceof UnavailableError) return error.code === 'Silent' ? 'silent' : 'unavailable';
  return 'error';
}
