import type { Execution } from '../crds/execution.ts';
import { ApiError } from './errors.ts';

/** An execution and the REST id of its session. */
export interface Run {
  readonly execution: Execution;
  readonly sessionId: string;
}

/** As far as its object says. */
export function isRunning({ status }: Execution): boolean {
  return status?.phase === 'Running';
}

/** Undefined: kubectl made it, and it does not go with its sandbox. */
export function ownerUidOf(execution: Execution): string | undefined {
  return execution.metadata.ownerReferences?.find(({ kind }) => kind === 'Sandbox')?.uid;
}

/** No such execution. */
export function notFound(id: string, cause?: unknown): ApiError {
  return new ApiError('ExecutionNotFound', `Execution not found: ${id}`, { cause });
}
