/** What the API server's `Status` object said (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/). */
export interface KubeStatus {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: {
    readonly name?: string;
    readonly kind?: string;
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly {
      readonly reason?: string;
      readonly message?: string;
      readonly field?: string;
    }[];
  };
}

/** A call to the API server that failed. `retryable`: the same call may succeed later, with nothing changed by the caller. */
export class KubeError extends Error {
  override readonly name: string = 'KubeError';
  readonly status: KubeStatus;
  readonly retryable: boolean;
  /** As the server asked (header or details), in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    status: KubeStatus,
    options: { cause?: unknown; retryable?: boolean; retryAfterMs?: number } = {},
  ) {
    super(status.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = status;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }

  get code(): string {
    return this.status.reason;
  }
}

/** 404: no such object, or no such kind. */
export class NotFoundError extends KubeError {
  override readonly name = 'NotFoundError';
}

/** 409 AlreadyExists: a create met an object of that name. */
export class AlreadyExistsError extends KubeError {
  override readonly name = 'AlreadyExistsError';
}

/** 409 Conflict: the object changed since it was read, or a precondition (uid) does not hold. */
export class ConflictError extends KubeError {
  override readonly name = 'ConflictError';
}

/** 410 Gone/Expired: the resource version or continue token is too old; list again. */
export class GoneError extends KubeError {
  override readonly name = 'GoneError';
}

/** 422 (or 400): the object is not what the schema or a rule allows; retrying cannot help. */
export class InvalidError extends KubeError {
  override readonly name = 'InvalidError';
}

/** 401 or 403, also quota and admission refusals. */
export class ForbiddenError extends KubeError {
  override readonly name = 'ForbiddenError';
}

/** 429: slow down; see `retryAfterMs`. */
export class TooManyRequestsError extends KubeError {
  override readonly name = 'TooManyRequestsError';
}

/** 5xx, a refused or broken connection, or no answer in time. `status.code` is 0 when there was no answer. */
export class UnavailableError extends KubeError {
  override readonly name = 'UnavailableError';
}
