import { createConnection } from 'mysql2/promise';
import { systemClock } from '../../kube/clock.ts';
import { Database } from '../../storage/history/database.ts';
import { applyMigrations } from '../../storage/history/migrations.ts';
import { anExecution } from '../builders/execution.ts';
import { RestApi } from '../fakes/rest-api.ts';
import { MariaDb } from './mariadb.ts';
import { percentiles } from './percentiles.ts';

/**
 * `node test/history/lists.ts [ROWS]`: how long REST takes to list a session that has run so many executions (100,000), all but a few of them past: by
 * filter, first page and deep ones. Over HTTP, with presentation; nothing is cached between requests but what MariaDB caches itself.
 */
const ROWS = Number(process.argv[2] ?? 100_000);
const REQUESTS = 200;
const WARM_UP = 20;

const server = await MariaDb.start();
const url = await server.url('lists');
const database = new Database({ url, clock: systemClock, connections: 10 });
await applyMigrations(database);
const api = await RestApi.start({ database });
const id = await api.runningSession();
const run = { code: 'print(1)', language: 'python' };
for (let n = 0; n < 20; n += 1) await api.client.post(`/sessions/${id}/execute`, run);
await fill(api.sandbox(id).metadata.uid);

process.stdout.write(`on MariaDB ${await server.version()}\n`);
const list = `/sessions/${id}/executions?limit=50`;
const random = (below: number): number => Math.floor(Math.random() * below);
const { body } = await api.client.get(`${list}&offset=${Math.floor(ROWS / 2)}`);
const middle = String(body['next_cursor']);
process.stdout.write(
  `${String(body['total'])} executions, pages of 50, ${REQUESTS} requests each\n`,
);
await measure('first page', () => list);
await measure('first page of a status', () => `${list}&status=failed`);
await measure('random offset', () => `${list}&offset=${random(ROWS)}`);
await measure(
  'random offset of a status',
  () => `${list}&status=failed&offset=${random(ROWS / 3)}`,
);
await measure('deepest offset', () => `${list}&offset=${ROWS - 50}`);
await measure('by cursor, from the middle', () => `${list}&cursor=${middle}`);
await measure('one execution', () => `/executions/past-${random(ROWS)}`);

await api.stop();
await database.close();
await server.stop();

async function measure(what: string, path: () => string): Promise<void> {
  const samples: number[] = [];
  for (let n = 0; n < WARM_UP; n += 1) await api.client.get(path());
  for (let n = 0; n < REQUESTS; n += 1) {
    const target = path();
    const startedAt = performance.now();
    const { status } = await api.client.get(target);
    samples.push(performance.now() - startedAt);
    if (status !== 200) throw new Error(`${target}: ${status}`);
  }
  process.stdout.write(`${what.padEnd(28)} ${percentiles(samples)}\n`);
}

/** Rows as the mirror writes them, made by the server itself: with a kilobyte of output each. */
async function fill(sandboxUid: string): Promise<void> {
  const stdout = { text: 'x'.repeat(1_000), bytes: 1_000, truncated: false };
  const object = JSON.stringify(
    anExecution({
      metadata: { name: 'NAME', uid: 'UID' },
      status: { phase: 'Completed', reason: 'Completed', exitCode: 0, stdout },
    }),
  );
  const connection = await createConnection({ uri: url });
  await connection.query(
    `insert into executions (uid, namespace, name, rest_id, created_at, sandbox_uid, sandbox_name, status, language, object,
       resource_version, mirrored_at, expired_at, gone_at, sequence, fence)
     select concat('uid-', seq), 'default', concat('past-', seq), concat('past-', seq), from_unixtime(1700000000 + seq), ?, 'box',
       elt(1 + seq % 3, 'completed', 'failed', 'timeout'), 'python', replace(replace(?, 'NAME', concat('past-', seq)), 'UID', concat('uid-', seq)),
       '1', now(3), now(3), now(3), seq, 1
     from seq_0_to_${ROWS - 1}`,
    [sandboxUid, object],
  );
  await connection.query('analyze table executions');
  await connection.end();
}
