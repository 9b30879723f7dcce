import { z } from 'zod';
import { systemClock } from '../../kube/clock.ts';
import { databaseUrl } from './database-url.ts';
import { Database } from './database.ts';
import { HistoryError } from './errors.ts';
import { applyMigrations } from './migrations.ts';

/** `DATABASE_URL=... node storage/history/migrate.ts`: brings the tables to what this version needs. */
async function main(): Promise<void> {
  const { DATABASE_URL: url } = z.object({ DATABASE_URL: databaseUrl }).parse(process.env);
  const database = new Database({ url, clock: systemClock });
  try {
    await applyMigrations(database);
    process.stdout.write('the tables of history are up to date\n');
  } finally {
    await database.close();
  }
}

main().catch((error: unknown) => {
  const words = error instanceof z.ZodError ? z.prettifyError(error) : undefined;
  const known = error instanceof HistoryError ? error.message : String(error);
  process.stderr.write(`migrate: ${words ?? known}\n`);
  process.exit(1);
});
