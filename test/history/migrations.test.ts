import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createConnection } from 'mysql2/promise';
import { z } from 'zod';
import { systemClock } from '../../kube/clock.ts';
import { Database } from '../../storage/history/database.ts';
import { applyMigrations } from '../../storage/history/migrations.ts';
import { mariaDbForTests } from './mariadb-for-tests.ts';

const FOLDER = path.join(import.meta.dirname, '../../storage/history/migrations');
const journal = z.looseObject({ entries: z.array(z.looseObject({ tag: z.string() })) });
const { entries } = journal.parse(
  JSON.parse(await readFile(path.join(FOLDER, 'meta/_journal.json'), 'utf8')),
);

const mariaDb = mariaDbForTests();
let database: Database;

beforeEach(() => {
  database = mariaDb.connect();
});

afterEach(() => mariaDb.close());

/** Of a database that had all migrations at once. */
async function freshTables(): Promise<Record<string, unknown>> {
  const fresh = await mariaDb.server.url();
  const other = new Database({ url: fresh, clock: systemClock });
  await applyMigrations(other);
  await other.close();
  return tables(fresh);
}

/** Every table as the server would make it anew. */
async function tables(of = mariaDb.url): Promise<Record<string, unknown>> {
  const connection = await createConnection({ uri: of, rowsAsArray: true });
  const [names] = await connection.query<never[][]>('show tables');
  const shown = await Promise.all(
    names.flat().map(async (name) => {
      const [[row]] = await connection.query<never[][]>(`show create table \`${String(name)}\``);
      return [name, String(row?.[1]).replace(/ AUTO_INCREMENT=\d+/, '')] as const;
    }),
  );
  await connection.end();
  return Object.fromEntries(shown);
}

/** The migrations as they were when there were only the first `count`. */
async function asOf(count: number): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'migrations-'));
  await cp(FOLDER, folder, { recursive: true });
  const cut = { version: '7', dialect: 'mysql', entries: entries.slice(0, count) };
  await writeFile(path.join(folder, 'meta/_journal.json'), JSON.stringify(cut));
  return folder;
}

describe('migrations', () => {
  it('make all tables from nothing, and change nothing the second time', async () => {
    await applyMigrations(database);
    const once = await tables();
    expect(Object.keys(once)).toEqual(
      expect.arrayContaining(['audit', 'executions', 'leader', 'sandbox_templates', 'sandboxes']),
    );
    await applyMigrations(database);
    expect(await tables()).toEqual(once);
  });

  test.each(entries.map((_, index) => index))(
    'lead from version %i to the same tables',
    async (version) => {
      const folder = await asOf(version);
      await applyMigrations(database, undefined, folder);
      await rm(folder, { recursive: true });
      await applyMigrations(database);
      expect(await tables()).toEqual(await freshTables());
    },
  );

  it('go on where an earlier start was cut off between two statements', async () => {
    const first = await readFile(path.join(FOLDER, `${entries[0]?.tag ?? ''}.sql`), 'utf8');
    const statements = first.split('--> statement-breakpoint');
    const connection = await createConnection({ uri: mariaDb.url });
    for (const statement of statements.slice(0, 8)) await connection.query(statement);
    await connection.end();
    await applyMigrations(database);
    expect(await tables()).toEqual(await freshTables());
  });

  test.each(entries.map(({ tag }) => tag))('%s can be run again after a cut', async (tag) => {
    const text = await readFile(path.join(FOLDER, `${tag}.sql`), 'utf8');
    for (const statement of text.split('--> statement-breakpoint')) {
      expect(statement.trim()).toMatch(/ IF (NOT )?EXISTS |^UPDATE |^ALTER TABLE `\w+` MODIFY /);
    }
  });

  it('of many processes at once are applied once', async () => {
    const others = Array.from({ length: 4 }, () => mariaDb.connect());
    await Promise.all(others.map((other) => applyMigrations(other)));
    const connection = await createConnection({ uri: mariaDb.url });
    const [applied] = await connection.query<never[]>('select hash from __drizzle_migrations');
    await connection.end();
    expect(applied).toHaveLength(entries.length);
  });
});
