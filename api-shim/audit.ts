import type { RequestHandler } from 'express';
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

/** Tells `audit` of every request once it is over, also of those that were refused, and of each part of one that is many. */
export function auditRequests(
  audit: Audit,
  clock: Clock,
): RequestHandler<object, unknown, unknown, unknown, ApiLocals> {
  return (request, response, next) => {
    const startedAt = clock.now();
    response.once('close', () => {
      const { audited, requestId, principal } = response.locals.context;
      const { parts, ...whole } = audited;
      const endedAt = clock.now();
      const common = {
        ...whole,
        time: new Date(endedAt).toISOString(),
        requestId,
        principal: principal.name,
        namespace: principal.namespace,
        method: request.method,
        requestBytes: announcedBytes(request.get('content-length')),
        durationMs: endedAt - startedAt,
      };
      const { writableFinished, statusCode: status } = response;
      for (const part of parts ?? [{ object: whole.object, status }])
        audit({ ...common, ...part, outcome: outcomeOf(writableFinished, part.status) });
    });
    next();
  };
}

function outcomeOf(isAnswered: boolean, status: number): AuditEvent['outcome'] {
  if (!isAnswered) return 'abandoned';
  if (status >= 500) return 'failed';
  return status >= 400 ? 'refused' : 'succeeded';
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
