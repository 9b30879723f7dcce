import { randomUUID } from 'node:crypto';
import type { Logger } from '../kube/logger.ts';
import type { Principal } from './auth/principal.ts';

/** What a request was about, by its REST id. */
export interface AuditObject {
  readonly kind: 'session' | 'execution' | 'template';
  readonly id: string;
}

/** What the steps of a request leave for its record (audit.ts). */
export interface Audited {
  action: string;
  object: AuditObject | null;
  /** Of a request that is many in one: what became of each. */
  parts?: readonly { readonly object: AuditObject | null; readonly status: number }[];
}

/** What every step of one request may need to know; passed on explicitly. */
export interface RequestContext {
  readonly requestId: string;
  /** Adds the request id to every line, and the caller's name once that is known. */
  readonly logger: Logger;
  readonly principal: Principal;
  readonly audited: Audited;
  /** Counts the request as so many more against its caller's limit, on credit: those that follow wait until it is made up for. */
  readonly charge: (requests: number) => void;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
  /** Aborts, with what to answer, when the server is about to stop: nobody should wait for what comes later. */
  readonly closing: AbortSignal;
}

/** Short, and nothing that could break a log line, a header or an annotation. */
const REQUEST_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

/** The client's own id if it is fit to be repeated, else a fresh UUID. */
export function requestIdFrom(header: string | undefined): string {
  return header !== undefined && REQUEST_ID.test(header) ? header : randomUUID();
}

/** The client closed the connection before it was answered. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError';
  readonly code = 'ClientGone';
  readonly retryable = false;

  constructor() {
    super('The client closed the connection');
  }
}
