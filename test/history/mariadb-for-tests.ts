import { systemClock } from '../../kube/clock.ts';
import { Database } from '../../storage/history/database.ts';
import { applyMigrations } from '../../storage/history/migrations.ts';
import { MariaDb } from './mariadb.ts';

/** A MariaDB for the tests of a file, and a database in it for each of them. */
export interface MariaDbForTests {
  readonly server: MariaDb;
  /** Of the current test's database, which is empty at first. */
  readonly url: string;
  /** One more connection to it. */
  connect(): Database;
  /** The same, once it has all tables. */
  migrated(): Promise<Database>;
  /** Ends all connections. For `afterEach`: whoever uses them ends before. */
  close(): Promise<void>;
}

/** To be called at the top of a file: the server starts before its first test and stops after its last. */
export function mariaDbForTests(): MariaDbForTests {
  let server: MariaDb;
  let url: string;
  const open: Database[] = [];
  beforeAll(async () => {
    server = await MariaDb.start();
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    url = await server.url();
  });
  const connect = (): Database => {
    const database = new Database({ url, clock: systemClock });
    open.push(database);
    return database;
  };
  return {
    get server() {
      return server;
    },
    get url() {
      return url;
    },
    connect,
    migrated: async () => {
      const database = connect();
      await applyMigrations(database);
      return database;
    },
    close: async () => {
      for (const database of open.splice(0)) await database.close();
    },
  };
}
