import { errors } from 'undici';
import { ExecutorError } from './client.ts';

/** Maps what went wrong on the wire; the one place where undici's errors are known. */
export function errorFromFailure(cause: unknown, signal?: AbortSignal): ExecutorError {
  if (cause instanceof ExecutorError) return cause;
  if (signal?.aborted === true)
    return new ExecutorError('Aborted', 'the call was given up', { cause, retryable: false });
  if (cause instanceof errors.HeadersTimeoutError || cause instanceof errors.BodyTimeoutError) {
    return new ExecutorError('TimedOut', 'the executor does not answer', {
      cause,
      retryable: true,
    });
  }
  if (isUnintelligible(cause)) {
    return new ExecutorError(
      'BadAnswer',
      `the executor's answer cannot be used: ${messageOf(cause)}`,
      { cause, retryable: false },
    );
  }
  return new ExecutorError('Unreachable', `the executor cannot be reached: ${messageOf(cause)}`, {
    cause,
    retryable: true,
    nothingSent: isWithoutConnection(cause),
  });
}

/** Of connect(2), and undici's own; a connection that breaks has other codes (ECONNRESET, EPIPE, UND_ERR_SOCKET). */
const WITHOUT_CONNECTION: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

function isWithoutConnection(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && WITHOUT_CONNECTION.has(cause.code);
}

/** Maps an answer other than 200. */
export function errorFromProblem(status: number, message: string): ExecutorError {
  if (status === 401) return new ExecutorError('Unauthorized', message, { retryable: false });
  if (status === 404) return new ExecutorError('NotFound', message, { retryable: false });
  return new ExecutorError('Refused', message, { retryable: status >= 500 });
}

function isUnintelligible(cause: unknown): boolean {
  return (
    cause instanceof errors.ResponseExceededMaxSizeError ||
    cause instanceof errors.HTTPParserError ||
    cause instanceof errors.HeadersOverflowError
  );
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
