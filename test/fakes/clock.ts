import type { Clock } from '../../kube/clock.ts';

interface Timer {
  readonly dueAt: number;
  readonly callback: () => void;
}

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now: number;
  #wallOffset = 0;
  readonly #timers = new Set<Timer>();

  constructor(start: number | string = '2026-01-01T00:00:00Z') {
    this.#now = new Date(start).getTime();
  }

  now(): number {
    return this.#now + this.#wallOffset;
  }

  monotonic(): number {
    return this.#now;
  }

  /** Sets the machine's time: `now` jumps, and neither `monotonic` nor a timer notices. */
  step(ms: number): void {
    this.#wallOffset += ms;
  }

  schedule(callback: () => void, delayMs: number): () => void {
    const timer: Timer = { dueAt: this.#now + Math.max(delayMs, 0), callback };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** Timers that have neither fired nor been cancelled. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves time on and runs what comes due on the way, in order, without letting any promise settle. */
  advance(ms: number): void {
    const end = this.#now + ms;
    while (this.#fireNext(end));
    this.#now = end;
  }

  /** Like `advance`, but lets promises settle before, between and after the timers. `run(0)` only settles. */
  async run(ms: number): Promise<void> {
    const end = this.#now + ms;
    do await settled();
    while (this.#fireNext(end));
    this.#now = end;
  }

  #fireNext(end: number): boolean {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueAt <= end && (next === undefined || timer.dueAt < next.dueAt)) next = timer;
    }
    if (next === undefined) return false;
    this.#timers.delete(next);
    this.#now = next.dueAt;
    next.callback();
    return true;
  }
}

/** Two turns of the event loop: every promise that needs no input or timer has settled by then. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
