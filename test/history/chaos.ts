import { setTimeout as pause } from 'node:timers/promises';
import { EXECUTIONS, isFinished, type Execution } from '../../crds/execution.ts';
import { SANDBOXES } from '../../crds/sandbox.ts';
import { systemClock } from '../../kube/clock.ts';
import { Database } from '../../storage/history/database.ts';
import { DEFAULT_RETENTION } from '../../storage/history/retention.ts';
import { executions } from '../../storage/history/schema.ts';
import { anExecution } from '../builders/execution.ts';
import { aSandbox } from '../builders/sandbox.ts';
import { isReady, World } from '../flow/world.ts';
import { MariaDb } from './mariadb.ts';

/**
 * `node test/history/chaos.ts [EXECUTIONS]`: runs so many executions (500) while the database is killed and restarted three times and the operator
 * stopped and started twice; a third of them expires meanwhile. Then there must be one row per execution, and it must be what the object was last.
 */
const COUNT = Number(process.argv[2] ?? 500);
const BOXES = 10;

const server = await MariaDb.start();
process.stdout.write(`on MariaDB ${await server.version()}\n`);
const url = await server.url('chaos');
const world = await World.open();
await world.createTemplate();
const databases: Database[] = [];
let operator = await startOperator();

/** Every execution as it was last seen, by UID, also of those that are gone. */
const last = new Map<string, Execution>();
let starts = 0;
world.caches.executions.subscribe(({ type, object }) => {
  if (type !== 'deleted') last.set(object.metadata.uid, object);
});

for (let n = 0; n < BOXES; n += 1) {
  await world.create(SANDBOXES, aSandbox({ metadata: { name: `box-${n}` } }));
}
for (let n = 0; n < BOXES; n += 1) await world.sandbox(isReady, `box-${n}`);

await Promise.all([submit(), killDatabase(), restartOperator()]);
await settled();
await check();
await world.close();
for (const database of databases) await database.close();
await server.stop();

async function startOperator() {
  const database = new Database({ url, clock: systemClock });
  databases.push(database);
  return world.startOperator({ history: { database, retention: DEFAULT_RETENTION } });
}

async function submit(): Promise<void> {
  for (let n = 0; n < COUNT; n += 1) {
    const ttlSecondsAfterFinished = n % 3 === 0 ? 2 : 86_400;
    const spec = { sandboxRef: { name: `box-${n % BOXES}` }, ttlSecondsAfterFinished };
    await world.create(EXECUTIONS, anExecution({ metadata: { name: `run-${n}` }, spec }));
    await pause(30);
  }
}

async function killDatabase(): Promise<void> {
  for (let n = 0; n < 3; n += 1) {
    await pause(2_500);
    await server.kill();
    process.stdout.write('the database was killed\n');
    await pause(1_500);
    await server.resume();
    process.stdout.write('the database is back\n');
  }
}

async function restartOperator(): Promise<void> {
  for (let n = 0; n < 2; n += 1) {
    await pause(5_000);
    await operator.stop();
    process.stdout.write('the operator was stopped\n');
    await pause(500);
    operator = await startOperator();
    process.stdout.write('the operator is back\n');
  }
}

async function rows() {
  const database = new Database({ url, clock: systemClock });
  const all = await database.use((connection) => connection.select().from(executions), {
    timeoutMs: 60_000,
  });
  await database.close();
  return all;
}

/** Everything has finished, what expires is gone, and every row is of the last version. */
async function settled(): Promise<void> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const versions = new Map((await rows()).map((row) => [row.uid, row]));
    const behind = [...last.values()].filter((execution) => {
      const row = versions.get(execution.metadata.uid);
      const isLive =
        world.caches.executions.get({ namespace: 'default', name: execution.metadata.name }) !==
        undefined;
      const mayStay = execution.spec.ttlSecondsAfterFinished > 2;
      return (
        !isFinished(execution) ||
        (mayStay && row?.resourceVersion !== execution.metadata.resourceVersion) ||
        isLive !== mayStay ||
        row === undefined ||
        (row.goneAt !== null) === mayStay
      );
    });
    if (behind.length === 0 && last.size === COUNT) return;
    if (Date.now() > deadline) throw new Error(`${behind.length} of ${last.size} are still behind`);
    await pause(200);
  }
}

async function check(): Promise<void> {
  const all = await rows();
  starts = world.executors.starts.length;
  const wrong = all.filter(
    (row) => bodyOf(JSON.parse(row.object) as Execution) !== bodyOf(last.get(row.uid)),
  );
  const names = new Set(all.map(({ restId }) => restId));
  const past = all.filter((row) => row.past === true).length;
  const hidden = all.filter((row) => row.deletedAt !== null).length;
  process.stdout.write(
    `${last.size} objects, ${all.length} rows (${past} of them past, ${hidden} hidden), ${names.size} different ids, ` +
      `${wrong.length} rows that differ, ${starts} starts of user code\n`,
  );
  if (
    all.length !== COUNT ||
    names.size !== COUNT ||
    wrong.length + hidden > 0 ||
    starts !== COUNT
  ) {
    process.exitCode = 1;
  }
}

/** Without the version, which a deletion moves on, and what the mirror leaves out. */
function bodyOf(execution: Execution | undefined): string {
  const {
    managedFields: _,
    resourceVersion: _version,
    ...metadata
  } = { ...execution?.metadata } as Record<string, unknown>;
  return JSON.stringify({ ...execution, metadata });
}
