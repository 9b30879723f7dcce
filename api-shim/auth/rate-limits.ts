import { TokenBucket, type RateLimit } from '../../kube/token-bucket.ts';
import type { Principal } from './principal.ts';

/** What is left of a caller's limit after a request. */
export interface Allowance {
  readonly allowed: boolean;
  readonly limit: RateLimit;
  /** Requests that may follow at once. */
  readonly remaining: number;
  /** Seconds until there is one more. */
  readonly resetSeconds: number;
}

/** Above this, callers that used nothing lately are forgotten. */
const KEPT_COUNT = 10_000;

/** The token buckets of callers, in this process alone: with several replicas a caller has as many limits as there are. */
export class RateLimits {
  readonly #buckets = new Map<
    string,
    { readonly limit: RateLimit; readonly bucket: TokenBucket }
  >();

  /** Undefined for a caller without a limit. */
  take({ name, rate }: Principal, now: number): Allowance | undefined {
    if (rate === undefined) return undefined;
    const bucket = this.#bucketOf(name, rate, now);
    return allowanceOf(bucket, { allowed: bucket.tryTake(now), limit: rate }, now);
  }

  /** Counts so many more requests, on credit. Undefined for a caller without a limit. */
  charge({ name, rate }: Principal, requests: number, now: number): Allowance | undefined {
    if (rate === undefined) return undefined;
    const bucket = this.#bucketOf(name, rate, now);
    bucket.reserve(now, requests);
    return allowanceOf(bucket, { allowed: true, limit: rate }, now);
  }

  #bucketOf(name: string, limit: RateLimit, now: number): TokenBucket {
    const known = this.#buckets.get(name);
    if (known?.limit.perSecond === limit.perSecond && known.limit.burst === limit.burst)
      return known.bucket;
    if (this.#buckets.size >= KEPT_COUNT) this.#forgetFull(now);
    const bucket = new TokenBucket(limit, now);
    this.#buckets.set(name, { limit, bucket });
    return bucket;
  }

  #forgetFull(now: number): void {
    for (const [name, { bucket }] of this.#buckets) {
      if (bucket.isFull(now)) this.#buckets.delete(name);
    }
  }
}

function allowanceOf(
  bucket: TokenBucket,
  known: Pick<Allowance, 'allowed' | 'limit'>,
  now: number,
): Allowance {
  const { remaining, nextMs } = bucket.state(now);
  return { ...known, remaining, resetSeconds: Math.max(1, Math.ceil(nextMs / 1000)) };
}
