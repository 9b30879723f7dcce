import { and, asc, desc, eq, gt, isNull, lt, notInArray, or, sql, type SQL } from 'drizzle-orm';
import type { MySqlColumn } from 'drizzle-orm/mysql-core';
import type { Execution } from '../../crds/execution.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import type { SandboxTemplate } from '../../crds/sandbox-template.ts';
import { systemClock, type Clock } from '../../kube/clock.ts';
import type { Database, UseOptions } from './database.ts';
import { executionIn, sandboxIn, sandboxTemplateIn } from './record.ts';
import { executions, sandboxes, sandboxTemplates } from './schema.ts';
import { Totals } from './totals.ts';

/** A place in a list that is newest first. */
export interface Position {
  readonly createdAt: number;
  readonly name: string;
}

/** What a list is about; absent: any. */
export interface SandboxFilter {
  readonly namespace: string;
  readonly status?: string | undefined;
  readonly templateId?: string | undefined;
  readonly createdAfter?: number | undefined;
  readonly createdBefore?: number | undefined;
}

export interface ExecutionFilter {
  readonly sandboxUid: string;
  readonly status?: string | undefined;
}

/** Which part of a list. */
export interface Range {
  /** Only what stands behind this place. */
  readonly after?: Position | undefined;
  /** How many of these to leave out. */
  readonly skip: number;
  readonly limit: number;
  /** Shown from elsewhere. */
  readonly without: readonly string[];
}

/** An execution of the past, and the REST id of its session. */
export interface PastRun {
  readonly execution: Execution;
  readonly sessionId: string;
}

const OPTIONS: UseOptions = { timeoutMs: 5_000 };

/** What is left of objects that have left the API server, newest first. Throws HistoryError. */
export class HistoryReader {
  readonly #database: Database;
  readonly #totals: Totals;

  constructor(database: Database, clock: Clock = systemClock) {
    this.#database = database;
    this.#totals = new Totals(clock);
  }

  sandboxes(filter: SandboxFilter): PastList<Sandbox> {
    const conditions = [
      eq(sandboxes.namespace, filter.namespace),
      given(filter.templateId, (id) => eq(sandboxes.templateId, id)),
      given(filter.status, (status) => eq(sandboxes.status, status)),
      given(filter.createdAfter, (time) => gt(sandboxes.createdAt, time)),
      given(filter.createdBefore, (time) => lt(sandboxes.createdAt, time)),
    ];
    return this.#list({ table: sandboxes, conditions, parse: sandboxIn }, filter);
  }

  executions(filter: ExecutionFilter): PastList<Execution> {
    const conditions = [
      eq(executions.sandboxUid, filter.sandboxUid),
      given(filter.status, (status) => eq(executions.status, status)),
    ];
    return this.#list({ table: executions, conditions, parse: executionIn }, filter);
  }

  #list<T>(list: Omit<ListOptions<T>, 'total'>, filter: object): PastList<T> {
    const name = JSON.stringify(filter);
    return new PastList(this.#database, {
      ...list,
      total: (count) => this.#totals.of(name, count),
    });
  }

  async findSandbox(namespace: string, restId: string): Promise<Sandbox | undefined> {
    const { past, createdAt, object } = sandboxes;
    const [row] = await this.#database.use(
      (connection) =>
        connection
          .select({ object })
          .from(sandboxes)
          .where(
            and(eq(sandboxes.restId, restId), eq(sandboxes.namespace, namespace), eq(past, true)),
          )
          .orderBy(desc(createdAt))
          .limit(1),
      OPTIONS,
    );
    return row && sandboxIn(row.object);
  }

  /** Not one whose session was deleted. */
  async findExecution(namespace: string, restId: string): Promise<PastRun | undefined> {
    const { object, sandboxName: name } = executions;
    const [row] = await this.#database.use(
      (connection) =>
        connection
          .select({ object, name, sessionId: sandboxes.restId, deletedAt: sandboxes.deletedAt })
          .from(executions)
          .leftJoin(sandboxes, eq(sandboxes.uid, executions.sandboxUid))
          .where(
            and(
              eq(executions.restId, restId),
              eq(executions.namespace, namespace),
              eq(executions.past, true),
            ),
          )
          .orderBy(desc(executions.createdAt))
          .limit(1),
      OPTIONS,
    );
    if (row?.deletedAt !== null) return undefined;
    return { execution: executionIn(row.object), sessionId: row.sessionId ?? row.name };
  }

  /** The last one of this name, whether or not it is there still. */
  async findTemplate(namespace: string, restId: string): Promise<SandboxTemplate | undefined> {
    const { object, createdAt } = sandboxTemplates;
    const [row] = await this.#database.use(
      (connection) =>
        connection
          .select({ object })
          .from(sandboxTemplates)
          .where(
            and(eq(sandboxTemplates.restId, restId), eq(sandboxTemplates.namespace, namespace)),
          )
          .orderBy(desc(createdAt))
          .limit(1),
      OPTIONS,
    );
    return row && sandboxTemplateIn(row.object);
  }

  /** A small question; throws if the database does not answer it. */
  async ping(): Promise<void> {
    await this.#database.use((connection) => connection.execute(sql`select 1`), {
      timeoutMs: 2_000,
    });
  }
}

interface ListOptions<T> {
  readonly table: typeof sandboxes | typeof executions;
  readonly conditions: readonly (SQL | undefined)[];
  readonly parse: (text: string) => T;
  /** Counts, or knows. */
  readonly total: (count: () => Promise<number>) => Promise<number>;
}

/** One filtered list of the past; nothing is read before it is asked for. */
export class PastList<T> {
  readonly #database: Database;
  readonly #options: ListOptions<T>;

  constructor(database: Database, options: ListOptions<T>) {
    this.#database = database;
    this.#options = options;
  }

  /** UIDs of rows of this list whose objects may still be in the API server: on their way out. */
  async leaving(): Promise<readonly string[]> {
    const { table, conditions } = this.#options;
    const rows = await this.#database.use(
      (connection) =>
        connection
          .select({ uid: table.uid })
          .from(table)
          .where(and(eq(table.past, true), isNull(table.goneAt), ...conditions)),
      OPTIONS,
    );
    return rows.map(({ uid }) => uid);
  }

  /** How many there are before `until`, or in all; of very many the answer may be a few seconds old. */
  count(without: readonly string[], until?: Position): Promise<number> {
    const count = (): Promise<number> => this.#count(without, until);
    return without.length === 0 && until === undefined ? this.#options.total(count) : count();
  }

  async #count(without: readonly string[], until?: Position): Promise<number> {
    const { table } = this.#options;
    const [row] = await this.#database.use(
      (connection) =>
        connection
          .select({ count: sql<number>`count(*)`.mapWith(Number) })
          .from(table)
          .where(and(this.#fitting(without), until && before(table, until))),
      OPTIONS,
    );
    return row?.count ?? 0;
  }

  /** The places are found in the index alone; only then the objects of one page are read. */
  async page({ after, skip, limit, without }: Range): Promise<readonly T[]> {
    const { table, parse } = this.#options;
    if (limit <= 0) return [];
    const rows = await this.#database.use((connection) => {
      const places = connection
        .select({ uid: table.uid })
        .from(table)
        .where(and(this.#fitting(without), after && behind(table, after)))
        .orderBy(desc(table.createdAt), desc(table.name))
        .limit(limit)
        .offset(skip)
        .as('places');
      return connection
        .select({ object: table.object })
        .from(places)
        .innerJoin(table, eq(table.uid, places.uid))
        .orderBy(desc(table.createdAt), desc(table.name), asc(table.uid));
    }, OPTIONS);
    return rows.map(({ object }) => parse(object));
  }

  #fitting(without: readonly string[]): SQL | undefined {
    const { table, conditions } = this.#options;
    const others = without.length === 0 ? undefined : notInArray(table.uid, [...without]);
    return and(eq(table.past, true), ...conditions, others);
  }
}

interface Placed {
  readonly createdAt: MySqlColumn;
  readonly name: MySqlColumn;
}

function behind(row: Placed, { createdAt, name }: Position): SQL | undefined {
  // The first condition says nothing new, but a range of the index follows from it.
  return and(
    sql`${row.createdAt} <= ${sql.param(createdAt, row.createdAt)}`,
    or(lt(row.createdAt, createdAt), lt(row.name, name)),
  );
}

function before(row: Placed, { createdAt, name }: Position): SQL | undefined {
  return and(
    sql`${row.createdAt} >= ${sql.param(createdAt, row.createdAt)}`,
    or(gt(row.createdAt, createdAt), gt(row.name, name)),
  );
}

function given<V>(value: V | undefined, condition: (value: V) => SQL): SQL | undefined {
  return value === undefined ? undefined : condition(value);
}
