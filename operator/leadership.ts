import type { Clock } from '../kube/clock.ts';
import type { Source } from '../kube/sources.ts';

/** Notes when the controllers started: since then nobody else hands out executions. A source of no keys, for controllers tell theirs when they start. */
export class Leadership implements Source {
  readonly #clock: Clock;
  #since = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Infinity before the start. */
  get since(): number {
    return this.#since;
  }

  subscribe(): () => void {
    this.#since = this.#clock.now();
    return () => undefined;
  }

  keys(): Iterable<string> {
    return [];
  }
}
