import type { Logger } from './logger.ts';

/** What one reconcile is given besides the key: it must stop soon after `signal` aborts (timeout, shutdown or lost lease). */
export interface ReconcileContext {
  readonly signal: AbortSignal;
  /** Carries controller, key and a fresh reconcile id. */
  readonly logger: Logger;
}

/** Either done (`{}`), or "look again after this long". A failure is thrown; see `TerminalError`. */
export interface ReconcileResult {
  readonly requeueAfterMs?: number;
}

/** Level-based: told only which object to look at, never what happened to it. */
export type Reconcile = (key: string, context: ReconcileContext) => Promise<ReconcileResult>;

/** Thrown by a reconcile that must not be retried until its object changes: counted and logged, not requeued. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}
