import { errors } from 'undici';
import { ExecutorError } from './client.ts';
import { executorProblem } from './contract.ts';

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

/** What the executor says is not what was agreed. */
export function badAnswer(why: string, cause?: unknown): ExecutorError {
  return new ExecutorError('BadAnswer', `the executor's answer cannot be used: ${why}`, {
    cause,
    retryable: false,
  });
}

/** Maps an answer other than 200, whose body is `executorProblem` if the executor is honest. */
export function errorFromAnswer(status: number, text: string): ExecutorError {
  const message = messageIn(text);
  if (status === 401) return new ExecutorError('Unauthorized', message, { retryable: false });
  if (status === 404) return new ExecutorError('NotFound', message, { retryable: false });
  if (status === 409) return new ExecutorError('Conflict', message, { retryable: false });
  if (status === 413) return new ExecutorError('TooLarge', message, { retryable: false });
  return new ExecutorError('Refused', message, { retryable: status >= 500 });
}

function messageIn(text: string): string {
  try {
    return executorProblem.parse(JSON.parse(text)).message;
  } catch {
    return 'no reason given';
  }
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
