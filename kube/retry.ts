import { backoffDelay } from './backoff.ts';
import type { BackoffOptions } from './backoff.ts';
import type { Clock } from './clock.ts';
import { sleep } from './sleep.ts';

export interface RetryOptions {
  readonly clock: Clock;
  readonly random: () => number;
  readonly backoff: BackoffOptions;
  readonly signal: AbortSignal;
  /** Told of each failure, before the pause that follows it. */
  readonly onFailure?: (error: unknown) => void;
}

/**
 * Does `step` until it succeeds once, with ever longer pauses after failures. Resolves too when `signal` aborts, and never rejects:
 * a failure that further tries can't mend is for the step to handle.
 */
export async function retry(step: () => Promise<unknown>, options: RetryOptions): Promise<void> {
  const { clock, random, backoff, signal, onFailure } = options;
  const isAborted = (): boolean => signal.aborted;
  for (let failures = 0; !isAborted(); failures += 1) {
    try {
      await step();
      return;
    } catch (error) {
      if (isAborted()) return;
      onFailure?.(error);
      await sleep(clock, backoffDelay(failures, backoff, random), signal);
    }
  }
}
