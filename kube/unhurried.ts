import type { Clock } from './clock.ts';
import { sleep } from './sleep.ts';

export interface UnhurriedOptions {
  readonly clock: Clock;
  readonly leastMs: number;
  readonly signal: AbortSignal;
}

/** Does `step`, and takes at least so long over it: for what is asked again and again of somebody who is to answer late, and may not. Ends early when `signal` aborts. */
export async function unhurried(
  step: () => Promise<unknown>,
  { clock, leastMs, signal }: UnhurriedOptions,
): Promise<void> {
  const begunAt = clock.now();
  await step();
  const left = leastMs - (clock.now() - begunAt);
  if (left > 0 && !signal.aborted) await sleep(clock, left, signal);
}
