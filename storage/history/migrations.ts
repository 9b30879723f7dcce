import path from 'node:path';
import { sql } from 'drizzle-orm';
import { migrate } from 'drizzle-orm/mysql2/migrator';
import type { Connection, Database } from './database.ts';
import { HistoryError } from './errors.ts';

/** Beside this file, and beside the bundle in an image. */
const FOLDER = path.join(import.meta.dirname, 'migrations');
/** Of all processes that use the same database server, per database. */
const LOCK = "concat('sandbox-history.', database())";
const LOCK_WAIT_SECONDS = 60;
/** Building an index on a large table takes its time. */
const PATIENCE_MS = 30 * 60_000;

/**
 * Brings the tables to what this version needs; done already is done. One process at a time, the others wait; never backwards: an older version
 * goes on with newer tables. Throws HistoryError.
 */
export async function applyMigrations(
  database: Database,
  signal?: AbortSignal,
  folder = FOLDER,
): Promise<void> {
  const options = { timeoutMs: PATIENCE_MS, ...(signal === undefined ? {} : { signal }) };
  await database.use((connection) => underLock(connection, folder), options);
}

async function underLock(connection: Connection, folder: string): Promise<void> {
  const wait = sql`select get_lock(${sql.raw(LOCK)}, ${LOCK_WAIT_SECONDS}) as got`;
  const [rows] = await connection.execute(wait);
  if (!JSON.stringify(rows).includes('"got":1')) {
    throw new HistoryError('Unavailable', 'another process changes the tables');
  }
  try {
    await connection.execute(sql`set session max_statement_time = 0`);
    await migrate(connection, { migrationsFolder: folder });
    await connection.execute(sql`set session max_statement_time = 60`);
  } finally {
    await connection.execute(sql`do release_lock(${sql.raw(LOCK)})`);
  }
}
