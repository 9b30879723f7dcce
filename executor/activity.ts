import type { Clock } from '../kube/clock.ts';
import type { Activity } from './contract.ts';

/** Remembers when this sandbox was last used. A run is use for as long as it goes on. */
export class ActivityLog {
  readonly #clock: Clock;
  readonly #running: () => number;
  #last: number;

  constructor(clock: Clock, running: () => number) {
    this.#clock = clock;
    this.#running = running;
    this.#last = clock.now();
  }

  touch(): void {
    this.#last = this.#clock.now();
  }

  read(): Activity {
    const runningExecutions = this.#running();
    if (runningExecutions > 0) this.touch();
    return { lastActivityAt: new Date(this.#last).toISOString(), runningExecutions };
  }
}
