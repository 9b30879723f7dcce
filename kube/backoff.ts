/** Delays double from `baseMs` up to `maxMs`. */
export interface BackoffOptions {
  readonly baseMs: number;
  readonly maxMs: number;
}

/**
 * The delay before retry number `attempt` (0 is the first), exponential with up to half of it taken off at random
 * so that many who failed together do not come back together.
 */
export function backoffDelay(
  attempt: number,
  options: BackoffOptions,
  random: () => number,
): number {
  // 2 ** 1024 is Infinity, which Math.min takes well.
  const full = Math.min(options.baseMs * 2 ** attempt, options.maxMs);
  return Math.round(full * (1 - random() / 2));
}

/** The backoff of one loop: grows with each failure, starts again after `reset`. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  #attempt = 0;

  constructor(options: BackoffOptions, random: () => number) {
    this.#options = options;
    this.#random = random;
  }

  next(): number {
    const delay = backoffDelay(this.#attempt, this.#options, this.#random);
    this.#attempt += 1;
    return delay;
  }

  reset(): void {
    this.#attempt = 0;
  }
}
