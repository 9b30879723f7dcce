import { spawn } from 'node:child_process';
import { MariaDb } from './mariadb.ts';

/** `node test/history/with-mariadb.ts COMMAND ...`: runs the command with DATABASE_URL of an empty MariaDB, which ends with it. */
const [, , command, ...args] = process.argv;
if (command === undefined) throw new Error('usage: with-mariadb.ts COMMAND ...');
const server = await MariaDb.start();
try {
  const env = { ...process.env, DATABASE_URL: await server.url('sandbox') };
  const child = spawn(command, args, { stdio: 'inherit', env });
  process.exitCode = await new Promise<number>((resolve) => {
    child.once('close', (code) => {
      resolve(code ?? 1);
    });
  });
} finally {
  await server.stop();
}
