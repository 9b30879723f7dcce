import { ConflictError, KubeError } from './errors.ts';
import { TerminalError } from './reconciler.ts';
import type { ReconcileResult } from './reconciler.ts';

/** How one reconcile ended; `result` is also the metric's label. */
export type Outcome =
  | { readonly result: 'success' }
  | { readonly result: 'requeue_after'; readonly afterMs: number }
  | {
      readonly result: 'error';
      readonly error: unknown;
      readonly atLeastMs: number;
      readonly expected: boolean;
    }
  | { readonly result: 'terminal'; readonly error: TerminalError }
  | { readonly result: 'aborted' };

export function outcomeOfResult({ requeueAfterMs }: ReconcileResult): Outcome {
  return requeueAfterMs === undefined
    ? { result: 'success' }
    : { result: 'requeue_after', afterMs: requeueAfterMs };
}

/** `aborted`: the controller itself ended the reconcile, because of shutdown or a lost lease. */
export function outcomeOfError(error: unknown, aborted: boolean): Outcome {
  if (error instanceof TerminalError) return { result: 'terminal', error };
  if (aborted) return { result: 'aborted' };
  return {
    result: 'error',
    error,
    atLeastMs: error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0,
    // A conflict says that the cache was a moment behind; nobody needs to read about it.
    expected: error instanceof ConflictError,
  };
}

/** The result that looks again after the shortest of the delays; those undefined do not count. */
export function soonest(...delaysMs: readonly (number | undefined)[]): ReconcileResult {
  const known = delaysMs.filter((delay) => delay !== undefined);
  return known.length === 0 ? {} : { requeueAfterMs: Math.max(0, Math.min(...known)) };
}
