import type { Clock } from './clock.ts';
import { UnavailableError } from './errors.ts';

export interface Deadline {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** Of the caller; its reason is passed on as it is. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs `work` with a signal that aborts when the caller's does or when the time is up, and leaves nothing behind on either.
 * (AbortSignal.any and .timeout would do, but on the machine's clock only.)
 */
export async function withDeadline<R>(
  { clock, timeoutMs, signal }: Deadline,
  work: (signal: AbortSignal) => Promise<R>,
): Promise<R> {
  signal?.throwIfAborted();
  const attempt = new AbortController();
  const cancel = clock.schedule(() => {
    attempt.abort(timedOut(timeoutMs));
  }, timeoutMs);
  const onAbort = (): void => {
    attempt.abort(signal?.reason);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await work(attempt.signal);
  } finally {
    cancel();
    signal?.removeEventListener('abort', onAbort);
  }
}

function timedOut(timeoutMs: number): UnavailableError {
  const message = `no answer within ${String(timeoutMs)} ms`;
  return new UnavailableError({ code: 0, reason: 'Timeout', message }, { retryable: true });
}
