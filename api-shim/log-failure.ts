import type { Logger } from '../kube/logger.ts';
import type { ApiError } from './errors.ts';

/** What went wrong, and what the client is told of it. */
export interface Failure {
  readonly what: 'request' | 'part of a batch';
  readonly thrown: unknown;
  readonly error: ApiError;
}

/** Writes down what the answer keeps to itself: at most a hint where the client is at fault. */
export function logFailure(logger: Logger, { what, thrown, error }: Failure): void {
  const { code, status, cause } = error;
  if (status >= 500) logger.error(`${what} failed`, { code, error: thrown });
  else logger.debug(`${what} refused`, { code, error: cause });
}
