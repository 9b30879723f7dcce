import type { Readable } from 'node:stream';

/** One call to an executor. */
export interface ExecutorRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly waitMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** The most that an honest answer takes, where that is not `EXECUTOR_LIMITS.answerBytes`. */
  readonly answerBytes?: number;
  /** The answer goes on for as long as it likes, and whoever reads it bounds it. */
  readonly stream?: boolean;
  /** Instead of `body`. */
  readonly content?: Readable;
  readonly headers?: Readonly<Record<string, string>>;
}
