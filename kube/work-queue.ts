import { backoffDelay } from './backoff.ts';
import type { BackoffOptions } from './backoff.ts';
import type { Clock } from './clock.ts';
import type { RuntimeMetrics } from './metrics.ts';
import { TokenBucket } from './token-bucket.ts';
import type { RateLimit } from './token-bucket.ts';

/** Low: handed out only while nothing of normal priority is due. */
export type Priority = 'normal' | 'low';

export interface AddOptions {
  readonly afterMs?: number;
  readonly priority?: Priority;
}

export interface WorkQueueOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly random: () => number;
  /** Of one key's retries. */
  readonly backoff: BackoffOptions;
  /** Of all retries together, so that a failing world is not hammered. */
  readonly rateLimit: RateLimit;
  /** Called, at once and from within the call that made it so, whenever a key can be taken. */
  readonly onReady: () => void;
  readonly metrics?: RuntimeMetrics | undefined;
}

interface Entry {
  readonly key: string;
  /** By the monotonic clock. */
  dueAt: number;
  priority: Priority;
  cancelTimer: (() => void) | undefined;
}

/**
 * A queue of keys, each in it at most once: adding again keeps the earliest due time and the highest priority. A key being worked on is
 * held back, and handed out once more after `done` if it was added meanwhile.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #bucket: TokenBucket;
  /** Everything waiting: due, delayed, or held back because it is being worked on. */
  readonly #entries = new Map<string, Entry>();
  /** The due ones, oldest first (a Map keeps the order of insertion). */
  readonly #ready: Record<Priority, Map<string, Entry>> = { normal: new Map(), low: new Map() };
  readonly #active = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #onIdle: (() => void)[] = [];
  #shutDown = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#bucket = new TokenBucket(options.rateLimit, options.clock.monotonic());
  }

  /** Keys that could be taken now. */
  get depth(): number {
    return this.#ready.normal.size + this.#ready.low.size;
  }

  add(key: string, { afterMs = 0, priority = 'normal' }: AddOptions = {}): void {
    if (this.#shutDown) return;
    this.#options.metrics?.queueAdds.inc({ name: this.#options.name });
    const dueAt = this.#options.clock.monotonic() + Math.max(afterMs, 0);
    const entry = this.#entries.get(key);
    if (entry === undefined) this.#insert({ key, dueAt, priority, cancelTimer: undefined });
    else this.#improve(entry, dueAt, priority);
  }

  /** Adds a key whose work failed: later each time, and not before `atLeastMs`. Returns the delay. */
  retry(key: string, atLeastMs = 0): number {
    const { backoff, clock, random, metrics, name } = this.#options;
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    metrics?.queueRetries.inc({ name });
    const backoffMs = backoffDelay(failures, backoff, random);
    const afterMs = Math.max(atLeastMs, backoffMs, this.#bucket.reserve(clock.monotonic()));
    this.add(key, { afterMs });
    return afterMs;
  }

  /** The key's work succeeded: its next failure is a first one. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Hands out the next due key, which must be given back by `done`. */
  take(): string | undefined {
    const { normal, low } = this.#ready;
    const [entry] = (normal.size > 0 ? normal : low).values();
    if (entry === undefined) return undefined;
    this.#unplace(entry);
    this.#entries.delete(entry.key);
    this.#active.add(entry.key);
    this.#observeTake(entry);
    return entry.key;
  }

  done(key: string): void {
    this.#active.delete(key);
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#place(entry);
    if (this.#active.size === 0) for (const wake of this.#onIdle.splice(0)) wake();
  }

  /** Forgets all that waits and takes no more; what is being worked on goes on. */
  shutDown(): void {
    this.#shutDown = true;
    for (const entry of this.#entries.values()) this.#unplace(entry);
    this.#entries.clear();
  }

  /** Resolves when nothing is being worked on. */
  async whenIdle(): Promise<void> {
    if (this.#active.size > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  #insert(entry: Entry): void {
    this.#entries.set(entry.key, entry);
    if (!this.#active.has(entry.key)) this.#place(entry);
  }

  #improve(entry: Entry, dueAt: number, priority: Priority): void {
    const raised = priority === 'normal' && entry.priority === 'low';
    if (dueAt >= entry.dueAt && !raised) return;
    this.#unplace(entry);
    entry.dueAt = Math.min(dueAt, entry.dueAt);
    if (raised) entry.priority = 'normal';
    if (!this.#active.has(entry.key)) this.#place(entry);
  }

  /** Also the timer's callback: one that fires early (Node rounds, long delays are cut) just waits for the rest. */
  #place(entry: Entry): void {
    const remaining = entry.dueAt - this.#options.clock.monotonic();
    if (remaining > 0) {
      entry.cancelTimer = this.#options.clock.schedule(() => {
        this.#place(entry);
      }, remaining);
      return;
    }
    entry.cancelTimer = undefined;
    this.#ready[entry.priority].set(entry.key, entry);
    this.#observeDepth();
    this.#options.onReady();
  }

  #unplace(entry: Entry): void {
    entry.cancelTimer?.();
    entry.cancelTimer = undefined;
    this.#ready[entry.priority].delete(entry.key);
    this.#observeDepth();
  }

  #observeDepth(): void {
    this.#options.metrics?.queueDepth.set({ name: this.#options.name }, this.depth);
  }

  #observeTake(entry: Entry): void {
    const { metrics, clock, name } = this.#options;
    metrics?.queueSeconds.observe({ name }, (clock.monotonic() - entry.dueAt) / 1000);
  }
}
