import { ExecutorError } from '../executor/client.ts';
import { StoreError } from '../storage/objects/errors.ts';
import {
  ForbiddenError,
  InvalidError,
  KubeError,
  ConflictError,
  TooManyRequestsError,
  UnavailableError,
} from '../kube/errors.ts';
import { HistoryError } from '../storage/history/errors.ts';
import { ApiError } from './errors.ts';

/** What a client is told of anything thrown: an ApiError as it is, everything else without its own words. */
export function toApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  if (thrown instanceof KubeError) return fromKube(thrown);
  if (thrown instanceof HistoryError) return fromHistory(thrown);
  if (thrown instanceof ExecutorError) return fromExecutor(thrown);
  if (thrown instanceof StoreError) return fromStore(thrown);
  return new ApiError('Internal', 'An unexpected error occurred', { cause: thrown });
}

function fromHistory(cause: HistoryError): ApiError {
  const headers = { 'Retry-After': '5' };
  return new ApiError('HistoryUnavailable', 'The history is not available right now', {
    cause,
    headers,
  });
}

function fromKube(cause: KubeError): ApiError {
  if (cause instanceof UnavailableError || cause instanceof TooManyRequestsError) {
    const seconds = Math.max(1, Math.ceil((cause.retryAfterMs ?? 1000) / 1000));
    const headers = { 'Retry-After': String(seconds) };
    return new ApiError('Unavailable', 'The control plane is not available right now', {
      cause,
      headers,
    });
  }
  if (cause instanceof ForbiddenError)
    return new ApiError('RefusedByCluster', 'The cluster refused the request', { cause });
  if (cause instanceof InvalidError)
    return new ApiError('InvalidForCluster', 'The cluster found the request invalid', { cause });
  if (cause instanceof ConflictError)
    return new ApiError('Conflict', 'The object changed at the same time', { cause });
  return new ApiError('Internal', 'An unexpected error occurred', { cause });
}

function fromStore(cause: StoreError): ApiError {
  if (!cause.retryable) return new ApiError('Internal', 'An unexpected error occurred', { cause });
  const headers = { 'Retry-After': '5' };
  const words = 'The object storage is not available right now';
  return new ApiError('StorageUnavailable', words, { cause, headers });
}

/** For every call to an executor alike; who knows better, such as of a file that is not there, catches it before. */
function fromExecutor(cause: ExecutorError): ApiError {
  if (cause.retryable) {
    const headers = { 'Retry-After': '1' };
    return new ApiError('SandboxUnreachable', 'The sandbox does not answer right now', {
      cause,
      headers,
    });
  }
  return new ApiError('SandboxMisbehaved', 'The sandbox gave no usable answer', { cause });
}
