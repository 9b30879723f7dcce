import { drizzle, type MySql2Database } from 'drizzle-orm/mysql2';
import { createPool, type Pool, type PoolConnection } from 'mysql2/promise';
import type { Clock } from '../../kube/clock.ts';
import { HistoryError, historyError } from './errors.ts';

/** A connection of its own for as long as the work takes. */
export type Connection = MySql2Database;

export interface UseOptions {
  /** After this the connection is thrown away and the call fails. Default 10 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface DatabaseOptions {
  /** `mysql://user:password@host:port/database`; more options as mysql2 has them, such as `?ssl={}`. */
  readonly url: string;
  readonly clock: Clock;
  readonly connections?: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;

/** Strict, so that nothing is cut silently; UTC; no lock between rows; an end to what hangs. */
const SESSION = [
  "SET SESSION sql_mode = 'STRICT_ALL_TABLES', time_zone = '+00:00', max_statement_time = 60, innodb_lock_wait_timeout = 5",
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
] as const;

/** MariaDB as history uses it: every call has a deadline, and every failure is a HistoryError. */
export class Database {
  readonly #pool: Pool;
  readonly #clock: Clock;
  readonly #prepared = new WeakSet<object>();

  constructor({ url, clock, connections = 4 }: DatabaseOptions) {
    this.#clock = clock;
    this.#pool = createPool({
      uri: url,
      connectionLimit: connections,
      connectTimeout: CONNECT_TIMEOUT_MS,
      enableKeepAlive: true,
      keepAliveInitialDelay: 10_000,
      charset: 'utf8mb4',
      dateStrings: true,
      timezone: 'Z',
    });
  }

  /** Throws HistoryError. */
  async use<R>(work: (connection: Connection) => Promise<R>, options: UseOptions = {}): Promise<R> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
    signal?.throwIfAborted();
    const connecting = this.#pool.getConnection();
    const late = this.#deadline(timeoutMs, signal);
    try {
      const connection = await Promise.race([connecting, late.reached]);
      late.connected = true;
      return await this.#work(connection, work, late.reached);
    } catch (error) {
      if (!late.connected) giveBack(connecting);
      signal?.throwIfAborted();
      throw historyError(error);
    } finally {
      late.cancel();
    }
  }

  async close(): Promise<void> {
    await this.#pool.end().catch(() => undefined);
  }

  /** Kept only if the work succeeded: after a failure or a deadline nobody knows what is still under way on it. */
  async #work<R>(
    connection: PoolConnection,
    work: (connection: Connection) => Promise<R>,
    late: Promise<never>,
  ): Promise<R> {
    try {
      const result = await Promise.race([this.#run(connection, work), late]);
      connection.release();
      return result;
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  async #run<R>(
    connection: PoolConnection,
    work: (connection: Connection) => Promise<R>,
  ): Promise<R> {
    if (!this.#prepared.has(connection.connection)) {
      for (const statement of SESSION) await connection.query(statement);
      this.#prepared.add(connection.connection);
    }
    return work(drizzle({ client: connection }));
  }

  #deadline(ms: number, signal?: AbortSignal): Deadline {
    let cancel = (): void => undefined;
    const reached = new Promise<never>((_, reject) => {
      const onAbort = (): void => {
        reject(new HistoryError('Unavailable', 'given up'));
      };
      const cancelTimer = this.#clock.schedule(() => {
        reject(new HistoryError('Unavailable', `the database did not answer within ${ms} ms`));
      }, ms);
      signal?.addEventListener('abort', onAbort, { once: true });
      cancel = (): void => {
        cancelTimer();
        signal?.removeEventListener('abort', onAbort);
      };
    });
    reached.catch(() => undefined);
    return { reached, cancel, connected: false };
  }
}

interface Deadline {
  /** Only ever rejects. */
  readonly reached: Promise<never>;
  readonly cancel: () => void;
  connected: boolean;
}

/** One that comes after nobody waits for it any more. */
function giveBack(connecting: Promise<PoolConnection>): void {
  connecting.then(
    (connection) => {
      connection.release();
    },
    () => undefined,
  );
}
