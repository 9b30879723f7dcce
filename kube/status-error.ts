import { z } from 'zod';
import {
  AlreadyExistsError,
  ConflictError,
  ForbiddenError,
  GoneError,
  InvalidError,
  KubeError,
  NotFoundError,
  TooManyRequestsError,
  UnavailableError,
} from './errors.ts';
import type { KubeStatus } from './errors.ts';

const statusSchema = z.object({
  code: z.number().optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
  details: z
    .object({
      name: z.string().optional(),
      kind: z.string().optional(),
      retryAfterSeconds: z.number().optional(),
      causes: z
        .array(
          z.object({
            reason: z.string().optional(),
            message: z.string().optional(),
            field: z.string().optional(),
          }),
        )
        .optional(),
    })
    .optional()
    .catch(undefined),
});

/** A failed answer as it came: proxies and load balancers answer in HTML or not at all. */
export interface FailedAnswer {
  readonly status: number;
  readonly body: string;
  readonly retryAfter?: string | undefined;
  /** Method and path, for the message where the server gave none. */
  readonly request: string;
  readonly now: number;
}

/** The KubeError for an answer with an HTTP status of 400 or above. */
export function errorFromAnswer({
  status,
  body,
  retryAfter,
  request,
  now,
}: FailedAnswer): KubeError {
  const told = statusSchema.safeParse(parseJson(body)).data ?? {};
  const message =
    told.message ?? `${request} was answered with ${String(status)}: ${excerpt(body)}`;
  return errorFromStatus({ ...told, code: status, message }, retryAfterMs(retryAfter, now));
}

/** The KubeError for a `Status` object as it comes in an ERROR event of a watch. */
export function errorFromWatch(object: unknown): KubeError {
  const told = statusSchema.safeParse(object).data ?? {};
  return errorFromStatus(
    { ...told, code: told.code ?? 500, message: told.message ?? 'the watch failed' },
    undefined,
  );
}

/** The KubeError for a call that got no answer: connection refused, reset, or cut short. */
export function errorFromConnection(error: unknown, request: string): UnavailableError {
  const { code = 'NoAnswer', message = String(error) } = connectionErrorSchema.parse(error);
  // Node's error for a host of several addresses that all refuse has a code but an empty message.
  const said = message === '' ? code : message;
  const status: KubeStatus = { code: 0, reason: code, message: `${request}: ${said}` };
  return new UnavailableError(status, { cause: error, retryable: true });
}

/** Not by `instanceof`: errors of Node.js itself are of another realm where code runs in a vm context. */
const connectionErrorSchema = z
  .object({ code: z.string().optional().catch(undefined), message: z.string().optional() })
  .catch({});

interface Told extends Omit<z.infer<typeof statusSchema>, 'code' | 'message'> {
  readonly code: number;
  readonly message: string;
}

function errorFromStatus(told: Told, headerMs: number | undefined): KubeError {
  const { code, message, details, reason = `Http${String(code)}` } = told;
  const status: KubeStatus = { code, reason, message, ...withoutUndefined(details) };
  const seconds = details?.retryAfterSeconds;
  const afterMs = headerMs ?? (seconds === undefined ? undefined : seconds * 1000);
  const Kind = errorClass(code, reason);
  const retryable = code === 408 || code === 429 || (code >= 500 && code !== 501);
  return new Kind(status, {
    retryable,
    ...(afterMs === undefined ? {} : { retryAfterMs: afterMs }),
  });
}

function withoutUndefined(details: Told['details']): Pick<KubeStatus, 'details'> {
  // JSON has no undefined: what zod types as `| undefined` is absent.
  return details === undefined ? {} : { details: details as NonNullable<KubeStatus['details']> };
}

const CLASSES: Readonly<Record<number, typeof KubeError>> = {
  400: InvalidError,
  401: ForbiddenError,
  403: ForbiddenError,
  404: NotFoundError,
  409: ConflictError,
  410: GoneError,
  422: InvalidError,
  429: TooManyRequestsError,
};

function errorClass(code: number, reason: string): typeof KubeError {
  if (reason === 'AlreadyExists') return AlreadyExistsError;
  if (code >= 500) return UnavailableError;
  return CLASSES[code] ?? KubeError;
}

/** Seconds, or a date (RFC 9110, 10.2.3). */
function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.max(ms, 0);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function excerpt(body: string): string {
  return body === '' ? 'no body' : body.slice(0, 200);
}
