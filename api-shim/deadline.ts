import type { Clock } from '../kube/clock.ts';

/** Runs `work` with a signal that aborts with `reason` after `ms`, or with the reason of one of `signals` before that. */
export async function withDeadline<T>(
  {
    clock,
    ms,
    reason,
    signals,
  }: { clock: Clock; ms: number; reason: Error; signals: readonly AbortSignal[] },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const cancel = clock.schedule(() => {
    late.abort(reason);
  }, ms);
  try {
    return await work(AbortSignal.any([...signals, late.signal]));
  } finally {
    cancel();
  }
}

/** Ends a wait that is only worth so much: the caller goes on with what there is. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
  readonly code = 'Deadline';
  readonly retryable = true;
}
