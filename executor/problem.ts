import type { ExecutorProblem } from './contract.ts';

export const PROBLEM_STATUS: Readonly<Record<ExecutorProblem['code'], number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  NotFound: 404,
  Conflict: 409,
  TooLarge: 413,
  Busy: 503,
  Internal: 500,
};

/** A request that cannot be met; its message goes to the caller. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly code: ExecutorProblem['code'];
  readonly retryable: boolean;

  constructor(code: ExecutorProblem['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = code === 'Busy' || code === 'Internal';
  }
}
