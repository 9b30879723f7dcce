import { and, eq, inArray, isNotNull } from 'drizzle-orm';
import type { Database } from './database.ts';
import { sandboxes } from './schema.ts';

/** How a sandbox came to its end that is not in the API server any more. */
export interface Ending {
  /** Absent: it was not over when it went. */
  readonly endedAt: number | undefined;
  /** A person deleted it. */
  readonly isDeleted: boolean;
}

/** Those of these sandboxes, by UID, that history knows to be gone from the API server. Throws HistoryError. */
export async function endingsOf(
  database: Database,
  { namespace, uids }: { readonly namespace: string; readonly uids: readonly string[] },
): Promise<ReadonlyMap<string, Ending>> {
  if (uids.length === 0) return new Map();
  const { uid, endedAt, deletedAt, goneAt } = sandboxes;
  const rows = await database.use((connection) =>
    connection
      .select({ uid, endedAt, deletedAt })
      .from(sandboxes)
      .where(and(inArray(uid, [...uids]), eq(sandboxes.namespace, namespace), isNotNull(goneAt))),
  );
  return new Map(
    rows.map((row) => [
      row.uid,
      { endedAt: row.endedAt ?? undefined, isDeleted: row.deletedAt !== null },
    ]),
  );
}

/** Those of these sandboxes, by UID, of which there is a row, whosever and in whatever state. Throws HistoryError. */
export async function knownSandboxes(
  database: Database,
  uids: readonly string[],
): Promise<ReadonlySet<string>> {
  if (uids.length === 0) return new Set();
  const { uid } = sandboxes;
  const rows = await database.use((connection) =>
    connection
      .select({ uid })
      .from(sandboxes)
      .where(inArray(uid, [...uids])),
  );
  return new Set(rows.map((row) => row.uid));
}
