import type { RequestHandler, Response } from 'express';
import type { Clock } from '../kube/clock.ts';
import type { AuditObject } from './request-context.ts';
import type { ApiLocals } from './request-tracing.ts';

/** One request that is over: who did what to which object, and how it ended. Holds no body, no header and no query. */
export interface AuditEvent {
  /** When it ended. */
  readonly time: string;
  readonly requestId: string;
  /** The name of the caller; `anonymous` where nobody was recognised. */
  readonly principal: string;
  readonly namespace: string;
  /** The operation's id in the OpenAPI document; `unknown` where the request was refused before that was clear. */
  readonly action: string;
  readonly method: string;
  readonly object: AuditObject | null;
  readonly outcome: 'succeeded' | 'refused' | 'failed' | 'abandoned';
  readonly status: number;
  /** As the client announced it; null where it did not. */
  readonly requestBytes: number | null;
  readonly durationMs: number;
}

/** Takes what happened, keeps or drops it, and neither throws nor waits. */
export type Audit = (event: AuditEvent) => void;

/** Tells `audit` of every request once it is over, also of those that were refused. */
export function auditRequests(
  audit: Audit,
  clock: Clock,
): RequestHandler<object, unknown, unknown, unknown, ApiLocals> {
  return (request, response, next) => {
    const startedAt = clock.now();
    response.once('close', () => {
      const { audited, requestId, principal } = response.locals.context;
      const endedAt = clock.now();
      audit({
        ...audited,
        time: new Date(endedAt).toISOString(),
        requestId,
        principal: principal.name,
        namespace: principal.namespace,
        method: request.method,
        outcome: outcomeOf(response),
        status: response.statusCode,
        requestBytes: announcedBytes(request.get('content-length')),
        durationMs: endedAt - startedAt,
      });
    });
    next();
  };
}

function outcomeOf({ writableFinished, statusCode }: Response): AuditEvent['outcome'] {
  if (!writableFinished) return 'abandoned';
  if (statusCode >= 500) return 'failed';
  return statusCode >= 400 ? 'refused' : 'succeeded';
}

function announcedBytes(length: string | undefined): number | null {
  const bytes = Number(length);
  return length === undefined || !Number.isSafeInteger(bytes) ? null : bytes;
}

type Fields = Readonly<Record<string, unknown>>;

/** The object of a request by its path, or by the answer where that names one that is new. Pure. */
export function auditObjectOf(tag: string, params: Fields, answer: Fields): AuditObject | null {
  const found = [
    of('execution', answer['execution_id'] ?? params['execution_id']),
    of('execution', tag === 'executions' ? answer['id'] : undefined),
    of('session', params['session_id']),
    of('template', params['template_id']),
    of('session', tag === 'sessions' ? answer['id'] : undefined),
    of('template', tag === 'templates' ? answer['id'] : undefined),
  ];
  return found.find((object) => object !== null) ?? null;
}

function of(kind: AuditObject['kind'], id: unknown): AuditObject | null {
  return typeof id === 'string' ? { kind, id } : null;
}
