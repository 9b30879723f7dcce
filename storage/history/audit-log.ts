import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import { historyError } from './errors.ts';
import type { Database } from './database.ts';
import { audit } from './schema.ts';

/** One request that is over, as the REST API tells it. */
export interface AuditRecord {
  readonly time: string;
  readonly requestId: string;
  readonly principal: string;
  readonly namespace: string;
  readonly action: string;
  readonly method: string;
  readonly object: { readonly kind: string; readonly id: string } | null;
  readonly outcome: string;
  readonly status: number;
  readonly requestBytes: number | null;
  readonly durationMs: number;
}

export interface AuditLogOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told how many records were given up. */
  readonly onDropped?: (count: number) => void;
  /** How many wait at most; what comes on top is dropped. */
  readonly capacity?: number;
}

/** How long records are gathered before they are written together. */
const GATHER_MS = 250;
const RETRY_MS = 5_000;
const BATCH = 500;
const DEFAULT_CAPACITY = 20_000;

/** Writes who did what, off the path of the request: it neither throws nor makes anyone wait. */
export class AuditLog {
  readonly #options: AuditLogOptions;
  #waiting: AuditRecord[] = [];
  #cancelTimer: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: AuditLogOptions) {
    this.#options = options;
  }

  record(record: AuditRecord): void {
    const { capacity = DEFAULT_CAPACITY, onDropped } = this.#options;
    if (this.#closed || this.#waiting.length >= capacity) {
      onDropped?.(1);
      return;
    }
    this.#waiting.push(record);
    this.#schedule(GATHER_MS);
  }

  /** Writes what waits, once; what the database does not take then is lost. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer?.();
    await this.#writing;
    await this.#flush();
    if (this.#waiting.length > 0) this.#options.onDropped?.(this.#waiting.length);
  }

  #schedule(afterMs: number): void {
    this.#cancelTimer ??= this.#options.clock.schedule(() => {
      this.#writing = this.#flush().then((written) => {
        this.#cancelTimer = undefined;
        if (this.#waiting.length > 0 && !this.#closed) this.#schedule(written ? 0 : RETRY_MS);
      });
    }, afterMs);
  }

  /** True: all that waited when it began is written. */
  async #flush(): Promise<boolean> {
    const { database, logger } = this.#options;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, BATCH);
      try {
        await database.use((connection) => connection.insert(audit).values(batch.map(rowOf)));
      } catch (error) {
        const known = historyError(error);
        logger.warn('the audit log could not be written', {
          error: known,
          waiting: this.#waiting.length,
        });
        if (known.retryable) return false;
        this.#options.onDropped?.(batch.length);
      }
      this.#waiting = this.#waiting.slice(batch.length);
    }
    return true;
  }
}

function rowOf(record: AuditRecord): typeof audit.$inferInsert {
  const { time, object, principal, ...rest } = record;
  return {
    ...rest,
    at: Date.parse(time),
    principal: principal.slice(0, 255),
    objectKind: object?.kind ?? null,
    objectId: object?.id.slice(0, 253) ?? null,
  };
}
