import type { Clock } from '../kube/clock.ts';
import type { LeaderWork } from '../kube/manager.ts';

export interface PeriodicOptions {
  readonly clock: Clock;
  readonly firstAfterMs: number;
  /** From the end of one time to the next. */
  readonly everyMs: number;
  /** Never rejects. */
  readonly work: (signal: AbortSignal) => Promise<void>;
}

/** Does something again and again while this process leads, never twice at a time. */
export class Periodic implements LeaderWork {
  readonly #options: PeriodicOptions;
  readonly #stop = new AbortController();
  #cancelTimer: () => void = () => undefined;
  #working: Promise<void> = Promise.resolve();

  constructor(options: PeriodicOptions) {
    this.#options = options;
  }

  start(): void {
    this.#schedule(this.#options.firstAfterMs);
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
    const { clock, work, everyMs } = this.#options;
    this.#cancelTimer = clock.schedule(() => {
      this.#working = work(this.#stop.signal).finally(() => {
        if (!this.#stop.signal.aborted) this.#schedule(everyMs);
      });
    }, afterMs);
  }
}
