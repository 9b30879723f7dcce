import type { Clock } from '../../kube/clock.ts';

/** As long as the kubelet waits at first and at most before it starts a container again that keeps ending. */
const FIRST_PAUSE_MS = 10_000;
const LONGEST_PAUSE_MS = 300_000;

interface Failures {
  readonly make: string;
  readonly inARow: number;
  readonly pausedUntil: number;
}

/**
 * Which pools have pods that end by themselves. What made one end is likely to be still there, so the next is started ever later. Its end shows in the
 * pod only until that is removed, so it is remembered here; lost with the process, which then tries once more.
 */
export class PoolFailures {
  readonly #clock: Clock;
  readonly #byKey = new Map<string, Failures>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Members of this make ended. Those that end during the pause are of the same failure. */
  note(key: string, make: string): void {
    const now = this.#clock.now();
    const before = this.#of(key, make);
    if (before !== undefined && before.pausedUntil > now) return;
    const inARow = (before?.inARow ?? 0) + 1;
    const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (inARow - 1), LONGEST_PAUSE_MS);
    this.#byKey.set(key, { make, inARow, pausedUntil: now + pauseMs });
  }

  /** Until when no member of this make is started; undefined: none has failed since the pool was whole. */
  pausedUntil(key: string, make: string): number | undefined {
    return this.#of(key, make)?.pausedUntil;
  }

  /** The pool is whole, or its template is gone. */
  forget(key: string): void {
    this.#byKey.delete(key);
  }

  /** Those of an earlier make say nothing of this one. */
  #of(key: string, make: string): Failures | undefined {
    const known = this.#byKey.get(key);
    return known?.make === make ? known : undefined;
  }
}
