import { sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { audit, executions, sandboxes, sandboxTemplates } from './schema.ts';

/** How long rows stay after their object is gone, or after the request; in days. */
export interface Retention {
  readonly sandboxDays: number;
  readonly executionDays: number;
  readonly auditDays: number;
}

export const DEFAULT_RETENTION: Retention = { sandboxDays: 90, executionDays: 30, auditDays: 365 };

/** Few rows each, so that no statement holds its locks for long. */
const BATCH = 500;
const DAY_MS = 86_400_000;

/** Removes what is older than it may get; resolves with how many rows went. Each statement is short, and other writers come between. */
export async function purge(
  database: Database,
  retention: Retention,
  { now, signal }: { readonly now: number; readonly signal?: AbortSignal },
): Promise<number> {
  const before = (days: number): string =>
    new Date(now - days * DAY_MS).toISOString().replace('T', ' ').replace('Z', '');
  const statements = [
    sql`delete from ${executions} where gone_at < ${before(retention.executionDays)} order by gone_at limit ${BATCH}`,
    sql`delete from ${sandboxes} where gone_at < ${before(retention.sandboxDays)} order by gone_at limit ${BATCH}`,
    sql`delete from ${sandboxTemplates} where gone_at < ${before(retention.sandboxDays)} order by gone_at limit ${BATCH}`,
    sql`delete from ${audit} where at < ${before(retention.auditDays)} order by at limit ${BATCH}`,
  ];
  let removed = 0;
  for (const statement of statements) {
    let last = BATCH;
    while (last === BATCH && signal?.aborted !== true) {
      const [result] = await database.use((connection) => connection.execute(statement));
      last = result.affectedRows;
      removed += last;
    }
  }
  return removed;
}
