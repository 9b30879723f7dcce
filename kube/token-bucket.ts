export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/** Lets `burst` pass at once and `perSecond` in the long run. */
export class TokenBucket {
  readonly #limit: RateLimit;
  #tokens: number;
  #filledAt: number;

  constructor(limit: RateLimit, now: number) {
    this.#limit = limit;
    this.#tokens = limit.burst;
    this.#filledAt = now;
  }

  /** Takes tokens in any case, on credit if need be, and returns the milliseconds until they are covered. */
  reserve(now: number, count = 1): number {
    this.#fill(now);
    this.#tokens -= count;
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens / this.#limit.perSecond) * 1000);
  }

  /** Takes a token if there is one. */
  tryTake(now: number): boolean {
    this.#fill(now);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Whole tokens that are there, and the milliseconds until there is one more. */
  state(now: number): { readonly remaining: number; readonly nextMs: number } {
    this.#fill(now);
    const remaining = Math.max(0, Math.floor(this.#tokens));
    const missing = remaining + 1 - this.#tokens;
    return { remaining, nextMs: Math.ceil((missing / this.#limit.perSecond) * 1000) };
  }

  /** Whether it is as good as new. */
  isFull(now: number): boolean {
    this.#fill(now);
    return this.#tokens >= this.#limit.burst;
  }

  #fill(now: number): void {
    const { perSecond, burst } = this.#limit;
    const gained = (Math.max(now - this.#filledAt, 0) / 1000) * perSecond;
    this.#tokens = Math.min(burst, this.#tokens + gained);
    this.#filledAt = now;
  }
}
