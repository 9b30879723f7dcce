import { and, eq, getTableColumns, gt, inArray, isNull, sql, type SQL } from 'drizzle-orm';
import type { MySqlColumn } from 'drizzle-orm/mysql-core';
import type { Connection, Database } from './database.ts';
import { HistoryError } from './errors.ts';
import type { ExecutionRow, SandboxRow, SandboxTemplateRow } from './record.ts';
import { executions, firstLeader, leaders, sandboxes, sandboxTemplates } from './schema.ts';

/** Whose turn it is to write: the Lease, and how often it changed hands. */
export interface Term {
  readonly lease: string;
  readonly transitions: number;
}

export interface Rows {
  readonly sandboxes: readonly SandboxRow[];
  readonly templates: readonly SandboxTemplateRow[];
  readonly executions: readonly ExecutionRow[];
}

const TABLES = { sandboxes, templates: sandboxTemplates, executions } as const;
export type Table = keyof typeof TABLES;

/** A row whose object should still be there. */
export interface OpenRow {
  readonly uid: string;
  readonly resourceVersion: string;
}

/** Who closes rows, and when. */
export interface Closing {
  readonly now: number;
  readonly fence: number;
  readonly sequence: number;
}

const OPEN_PAGE = 1_000;

/** Writes what the mirror of one namespace sees. Newest wins, whatever arrives when; each call may be repeated without harm. */
export class HistoryWriter {
  readonly #database: Database;
  readonly #namespace: string;

  constructor(database: Database, namespace: string) {
    this.#database = database;
    this.#namespace = namespace;
  }

  /**
   * The fence of this term, larger than that of every term before it. Throws HistoryError `Deposed` if a later term has begun.
   * The transitions alone would not do: a Lease that is deleted and made anew counts from the beginning.
   */
  async claim({ lease, transitions }: Term): Promise<number> {
    return this.#database.use((connection) =>
      connection.transaction(async (tx) => {
        const namespace = this.#namespace;
        const ofNamespace = eq(leaders.namespace, namespace);
        const first = sql`coalesce((select max(${firstLeader.fence}) from ${firstLeader}), 0)`;
        // Not `ignore`, which would take a shared lock: two of those end in a deadlock.
        await tx
          .insert(leaders)
          .values({ namespace, fence: first, lease: '', transitions: 0 })
          .onDuplicateKeyUpdate({ set: { namespace } });
        const [last] = await tx.select().from(leaders).where(ofNamespace).for('update');
        if (last === undefined) throw new HistoryError('Unavailable', 'there is no leader row');
        if (last.lease === lease && last.transitions > transitions) throw deposed();
        if (last.lease === lease && last.transitions === transitions) return last.fence;
        const fence = last.fence + 1;
        await tx.update(leaders).set({ fence, lease, transitions }).where(ofNamespace);
        return fence;
      }),
    );
  }

  /**
   * A few statements, whatever the number of rows. Throws HistoryError `Rejected` if the database refuses one of the values, `Deposed` if this is
   * not the leader's fence any more; nothing is written then.
   */
  async upsert(rows: Rows, fence: number): Promise<void> {
    await this.#database.use((connection) =>
      connection.transaction(async (tx) => {
        // MariaDB has no `for share`. A later leader's claim waits for this transaction, and this one sees what was claimed before.
        const later = sql`select fence from ${leaders} where namespace = ${this.#namespace} and fence > ${fence} lock in share mode`;
        const [found] = await tx.execute(later);
        if (JSON.stringify(found) !== '[]') throw deposed();
        if (rows.sandboxes.length > 0) {
          const set = newestWins(sandboxes);
          await tx.insert(sandboxes).values(ordered(rows.sandboxes)).onDuplicateKeyUpdate({ set });
        }
        if (rows.templates.length > 0) {
          const set = newestWins(sandboxTemplates);
          await tx
            .insert(sandboxTemplates)
            .values(ordered(rows.templates))
            .onDuplicateKeyUpdate({ set });
        }
        if (rows.executions.length > 0) {
          const set = newestWins(executions);
          await tx
            .insert(executions)
            .values(ordered(rows.executions))
            .onDuplicateKeyUpdate({ set });
        }
      }),
    );
  }

  /** Pages of the rows whose objects should still be there, of this namespace. */
  async open(
    table: Table,
    { after, limit }: { readonly after: string; readonly limit: number },
  ): Promise<readonly OpenRow[]> {
    const { uid, namespace, resourceVersion, goneAt } = TABLES[table];
    return this.#database.use((connection) =>
      connection
        .select({ uid, resourceVersion })
        .from(TABLES[table])
        // So written that they are found in the index of what is open, which has them in order.
        .where(
          and(isNull(goneAt), gt(uid, after), sql`if(${namespace} = ${this.#namespace}, 1, 0) = 1`),
        )
        .orderBy(uid)
        .limit(limit),
    );
  }

  /** All of them, a page at a time. */
  async *openPages(table: Table): AsyncGenerator<readonly OpenRow[]> {
    let after: string | undefined = '';
    while (after !== undefined) {
      const page: readonly OpenRow[] = await this.open(table, { after, limit: OPEN_PAGE });
      yield page;
      after = page.length < OPEN_PAGE ? undefined : page.at(-1)?.uid;
    }
  }

  /** The objects of these rows are gone, and nobody saw them go. */
  async close(table: Table, uids: readonly string[], closing: Closing): Promise<void> {
    const { now, fence, sequence } = closing;
    const row = TABLES[table];
    const goneAt = sql`${at(now)}`;
    await this.#database.use((connection) =>
      connection
        .update(row)
        .set({
          deletedAt: sql`if(${row.expiredAt} is null, coalesce(${row.deletedAt}, ${goneAt}), ${row.deletedAt})`,
          goneAt,
          fence,
          sequence,
        })
        .where(
          and(
            inArray(row.uid, [...uids]),
            // So written that the rows are found by their UIDs, and not by an index of all that are open.
            sql`if(${row.goneAt} is null, 1, 0) = 1`,
            sql`(${row.fence}, ${row.sequence}) <= (${fence}, ${sequence})`,
          ),
        ),
    );
  }

  /** A person deleted the sandbox; it is not shown from now on, and with it its executions. */
  async markDeleted(uid: string, now: number): Promise<void> {
    await this.#database.use((connection: Connection) =>
      connection
        .update(sandboxes)
        .set({ deletedAt: sql`coalesce(${sandboxes.deletedAt}, ${at(now)})` })
        .where(eq(sandboxes.uid, uid)),
    );
  }
}

function at(ms: number): string {
  return new Date(ms).toISOString().replace('T', ' ').replace('Z', '');
}

function deposed(): HistoryError {
  return new HistoryError('Deposed', 'another process leads by now');
}

/** In one order for everyone, so that two writers wait for one another instead of ending in a deadlock. */
function ordered<R extends { readonly uid: string }>(rows: readonly R[]): R[] {
  return [...rows].sort((a, b) => (a.uid < b.uid ? -1 : 1));
}

/**
 * Every column from the new row if that is newer. An object that is seen again after its row was closed is there after all;
 * one that is gone counts as deleted, unless its time was up.
 */
function newestWins(table: (typeof TABLES)[Table]): Record<string, SQL> {
  const isNewer = sql`(values(fence), values(sequence)) >= (${table.fence}, ${table.sequence})`;
  const special: Record<string, SQL> = {
    deletedAt: sql`if(values(gone_at) is null, if(${table.goneAt} is null, ${table.deletedAt}, null), if(${table.expiredAt} is null, coalesce(${table.deletedAt}, values(gone_at)), ${table.deletedAt}))`,
    expiredAt: sql`coalesce(values(expired_at), ${table.expiredAt})`,
  };
  const columns: Record<string, MySqlColumn> = getTableColumns(table);
  const written = Object.entries(columns).filter(([key]) => key !== 'uid' && key !== 'past');
  return Object.fromEntries(
    written.map(([key, column]) => {
      const value = special[key] ?? sql`values(${sql.identifier(column.name)})`;
      return [key, sql`if(${isNewer}, ${value}, ${column})`];
    }),
  );
}
