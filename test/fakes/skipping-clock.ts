import type { Clock } from '../../kube/clock.ts';

interface Timer {
  readonly dueAt: number;
  readonly callback: () => void;
  cancel: () => void;
}

/** Real time that a test can jump ahead in: sockets work as ever, and a deadline half an hour away comes at once. */
export class SkippingClock implements Clock {
  #aheadMs = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return Date.now() + this.#aheadMs;
  }

  monotonic(): number {
    return performance.now() + this.#aheadMs;
  }

  schedule(callback: () => void, delayMs: number): () => void {
    const timer: Timer = { dueAt: this.now() + delayMs, callback, cancel: () => undefined };
    this.#timers.add(timer);
    this.#arm(timer);
    return () => {
      this.#timers.delete(timer);
      timer.cancel();
    };
  }

  /** Jumps ahead; what came due meanwhile runs at once, in order. */
  skip(ms: number): void {
    this.#aheadMs += ms;
    const timers = [...this.#timers].sort((one, other) => one.dueAt - other.dueAt);
    for (const timer of timers) {
      timer.cancel();
      this.#arm(timer);
    }
  }

  #arm(timer: Timer): void {
    const delayMs = Math.min(Math.max(timer.dueAt - this.now(), 0), 2 ** 31 - 1);
    const handle = setTimeout(() => {
      this.#timers.delete(timer);
      timer.callback();
    }, delayMs);
    timer.cancel = () => {
      clearTimeout(handle);
    };
  }
}
