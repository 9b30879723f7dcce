import type { JsonObject } from './json.ts';

/** One thing wrong with an object, as `details.causes` lists it. */
export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field: string;
}

/** The kind an error speaks of: a write names the kind ("Pod"), a look-up the resource ("pods"). */
export interface Subject {
  readonly group: string;
  readonly kind: string;
  readonly name?: string;
}

/** A request that fails with a Kubernetes `Status` body. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly code: number;
  readonly reason: string;
  readonly details: JsonObject | undefined;
  readonly retryable = false;

  constructor(status: { code: number; reason: string; message: string; details?: JsonObject }) {
    super(status.message);
    this.code = status.code;
    this.reason = status.reason;
    this.details = status.details;
  }

  body(): JsonObject {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason === '' ? {} : { reason: this.reason }),
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    };
  }
}

function qualified({ group, kind }: Subject): string {
  return group === '' ? kind : `${kind}.${group}`;
}

function detailsOf({ group, kind, name }: Subject): JsonObject {
  return {
    ...(name === undefined || name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    kind,
  };
}

export function badRequest(message: string): StatusError {
  return new StatusError({ code: 400, reason: 'BadRequest', message });
}

export function unauthorized(): StatusError {
  return new StatusError({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
}

export function forbidden(
  subject: Subject,
  why: string,
  causes: readonly Cause[] = [],
): StatusError {
  const message = `${qualified(subject)} ${JSON.stringify(subject.name ?? '')} is forbidden: ${why}`;
  const details = {
    ...detailsOf(subject),
    ...(causes.length === 0 ? {} : { causes: causes.map(asJson) }),
  };
  return new StatusError({ code: 403, reason: 'Forbidden', message, details });
}

export function notFound(subject: Subject): StatusError {
  const message = `${qualified(subject)} ${JSON.stringify(subject.name ?? '')} not found`;
  return new StatusError({ code: 404, reason: 'NotFound', message, details: detailsOf(subject) });
}

export function methodNotAllowed(): StatusError {
  const message = 'the server does not allow this method on the requested resource';
  return new StatusError({ code: 405, reason: 'MethodNotAllowed', message, details: {} });
}

export function notAcceptable(): StatusError {
  const message = 'only the following media types are accepted: application/json';
  return new StatusError({ code: 406, reason: 'NotAcceptable', message });
}

export function alreadyExists(subject: Subject): StatusError {
  const message = `${qualified(subject)} ${JSON.stringify(subject.name ?? '')} already exists`;
  return new StatusError({
    code: 409,
    reason: 'AlreadyExists',
    message,
    details: detailsOf(subject),
  });
}

export function conflict(subject: Subject, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualified(subject)} ${JSON.stringify(subject.name ?? '')}: ${why}`;
  return new StatusError({ code: 409, reason: 'Conflict', message, details: detailsOf(subject) });
}

export function expired(message: string): StatusError {
  return new StatusError({ code: 410, reason: 'Expired', message });
}

export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`;
  return new StatusError({ code: 415, reason: 'UnsupportedMediaType', message });
}

export function invalid(subject: Subject, causes: readonly Cause[]): StatusError {
  const texts = causes.map(({ field, message }) => `${field}: ${message}`);
  const list = texts.length === 1 ? texts.join('') : `[${texts.join(', ')}]`;
  return new StatusError({
    code: 422,
    reason: 'Invalid',
    message: `${qualified(subject)} ${JSON.stringify(subject.name ?? '')} is invalid: ${list}`,
    details: { ...detailsOf(subject), causes: causes.map(asJson) },
  });
}

/** The wording of k8s.io/apimachinery/pkg/util/validation/field for a value that is not allowed. */
export function invalidValue(field: string, value: unknown, why: string): Cause {
  return {
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
    field,
  };
}

export function requiredValue(field: string, why = ''): Cause {
  return {
    reason: 'FieldValueRequired',
    message: `Required value${why === '' ? '' : `: ${why}`}`,
    field,
  };
}

export function forbiddenValue(field: string, why: string): Cause {
  return { reason: 'FieldValueForbidden', message: `Forbidden: ${why}`, field };
}

function asJson({ reason, message, field }: Cause): JsonObject {
  return { reason, message, field };
}
