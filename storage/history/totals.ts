import type { Clock } from '../../kube/clock.ts';

/** From here on a total may be a little old: to count so many takes longer than to read a page of them. */
const MANY = 10_000;
const GOOD_FOR_MS = 5_000;
const LISTS = 1_000;

interface Total {
  readonly count: Promise<number>;
  /** By the monotonic clock. */
  readonly at: number;
}

/** Totals of large lists, each counted once for all who ask within seconds. */
export class Totals {
  readonly #clock: Clock;
  readonly #totals = new Map<string, Total>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async of(list: string, count: () => Promise<number>): Promise<number> {
    const now = this.#clock.monotonic();
    const known = this.#totals.get(list);
    if (known !== undefined && now - known.at < GOOD_FOR_MS) return known.count;
    const counting = count();
    this.#totals.delete(list);
    this.#totals.set(list, { count: counting, at: now });
    if (this.#totals.size > LISTS) this.#totals.delete(this.#totals.keys().next().value ?? '');
    const isKept = await counting.then((total) => total >= MANY).catch(() => false);
    if (!isKept && this.#totals.get(list)?.count === counting) this.#totals.delete(list);
    return counting;
  }
}
