import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { sql } from 'drizzle-orm';
import { systemClock } from '../../kube/clock.ts';
import { openInstallation, type Installation } from '../../local/installation.ts';
import { stopMariaDb } from '../../local/mariadb.ts';
import { prepareDatabase } from '../../local/prepare-database.ts';
import { findDocker } from '../../local/runners/docker-engine.ts';
import { Database } from '../../storage/history/database.ts';
import { applyMigrations } from '../../storage/history/migrations.ts';
import Docker from 'dockerode';

/** The MariaDB that `make up` starts for itself, of the image that MARIADB_IMAGE names. */
const mariaDbImage = process.env['MARIADB_IMAGE'] ?? 'mariadb:lts';
const WANTED = { databaseUrl: undefined, mariaDbImage };
let folder: string;
let installation: Installation;
let docker: Docker;

beforeEach(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'mariadb-container-'));
  installation = openInstallation(folder);
  const engine = await findDocker(process.env);
  if (!engine.found) throw new Error(engine.reason);
  docker = new Docker({ socketPath: engine.socketPath });
});

afterEach(async () => {
  await stopMariaDb(docker, installation, { remove: true });
  rmSync(folder, { recursive: true });
});

/** Of a server that may just be starting. */
async function connect(url = ''): Promise<Database> {
  const database = new Database({ url, clock: systemClock });
  for (let left = 300; ; left -= 1) {
    const answers = database.use((connection) => connection.execute(sql`select 1`));
    const failure = await answers.then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure === undefined) return database;
    if (left === 0) throw new Error('it does not answer', { cause: failure });
    await new Promise((go) => setTimeout(go, 200));
  }
}

describe('a local run without DATABASE_URL', () => {
  it('keeps history in a MariaDB of its own, which is the same after a restart', async () => {
    const first = await prepareDatabase(WANTED, installation);
    expect(first.words).toContain(mariaDbImage);
    const before = await connect(first.url);
    await applyMigrations(before);
    await before.use((connection) =>
      connection.execute(sql`insert into leaders values ('default', 41, 'uid-lease', 0)`),
    );
    await before.close();
    await stopMariaDb(docker, installation, { remove: false });
    const again = await connect((await prepareDatabase(WANTED, installation)).url);
    const [rows] = await again.use((connection) =>
      connection.execute(sql`select fence from leaders`),
    );
    expect(rows).toEqual([{ fence: 41 }]);
    await again.close();
  });

  it('goes on without history where the image is not here and cannot be pulled, and says so', async () => {
    const missing = { ...WANTED, mariaDbImage: 'localhost:1/mariadb:none' };
    const { url, words } = await prepareDatabase(missing, installation);
    expect(url).toBeUndefined();
    expect(words).toMatch(
      /^HISTORY IS OFF \(image localhost:1\/mariadb:none is not here and cannot/,
    );
  });

  it('uses the one that is named, and starts none where none is wanted', async () => {
    const databaseUrl = 'mysql://user:secret@host/sandbox';
    const named = await prepareDatabase({ ...WANTED, databaseUrl }, installation);
    expect(named).toEqual({ url: databaseUrl, words: expect.not.stringContaining('secret') });
    const none = await prepareDatabase({ ...WANTED, mariaDbImage: undefined }, installation);
    expect(none.words).toMatch(/^HISTORY IS OFF/);
    expect(
      await docker.listContainers({ all: true, filters: { name: [installation.id] } }),
    ).toEqual([]);
  });
});
