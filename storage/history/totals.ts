import type { Clock } from '../../kube/clock.ts';

/** From here on a total may be a little old: to count so many takes longer than to read a page of them. */
const MANY = 10_000;
const GOOD_FOR_MS = 5_000;
/** So old it is still told, while it is counted anew: then nobody but the first waits for a count. */
const TOLD_FOR_MS = 60_000;
const LISTS = 1_000;

interface Total {
  readonly count: Promise<number>;
  /** By the monotonic clock. */
  readonly at: number;
  /** It is being counted right now. */
  readonly isRenewed: boolean;
}

/** Totals of large lists, each counted once for all who ask within seconds. */
export class Totals {
  readonly #clock: Clock;
  readonly #totals = new Map<string, Total>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async of(list: string, count: () => Promise<number>): Promise<number> {
    const known = this.#totals.get(list);
    const age = known === undefined ? Infinity : this.#clock.monotonic() - known.at;
    if (known === undefined || age >= TOLD_FOR_MS) return this.#count(list, count);
    if (age >= GOOD_FOR_MS && !known.isRenewed) {
      this.#totals.set(list, { ...known, isRenewed: true });
      // A failure is told to who asks next.
      void this.#count(list, count, known).catch(() => undefined);
    }
    return known.count;
  }

  /** Who asks meanwhile gets this one, or the one before where that is known. */
  async #count(list: string, count: () => Promise<number>, before?: Total): Promise<number> {
    const now = (): number => this.#clock.monotonic();
    const counting = count();
    if (before === undefined) this.#keep(list, { count: counting, at: now(), isRenewed: true });
    const isMany = await counting.then((total) => total >= MANY).catch(() => false);
    if (isMany) this.#keep(list, { count: counting, at: now(), isRenewed: false });
    else this.#totals.delete(list);
    return counting;
  }

  /** Those that were counted last stay. */
  #keep(list: string, total: Total): void {
    this.#totals.delete(list);
    this.#totals.set(list, total);
    if (this.#totals.size > LISTS) this.#totals.delete(this.#totals.keys().next().value ?? '');
  }
}
