import { setTimeout as pause } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { EXECUTIONS, isFinished } from '../../crds/execution.ts';
import { SANDBOXES } from '../../crds/sandbox.ts';
import { systemClock } from '../../kube/clock.ts';
import { Database } from '../../storage/history/database.ts';
import { DEFAULT_RETENTION } from '../../storage/history/retention.ts';
import { anExecution } from '../builders/execution.ts';
import { aSandbox } from '../builders/sandbox.ts';
import { isReady, World } from '../flow/world.ts';
import { MariaDb } from './mariadb.ts';

/**
 * `node test/history/lag.ts [PER_SECOND] [SECONDS]`: how far rows are behind their objects at so many executions a second (100, for 20 s), and how many writes the
 * operator makes at the API server with a history and without one. Everything in this process: API server, operator, and executors that answer at once.
 */
const PER_SECOND = Number(process.argv[2] ?? 100);
const SECONDS = Number(process.argv[3] ?? 20);

const server = await MariaDb.start();
process.stdout.write(`on MariaDB ${await server.version()}\n`);
const without = await load(undefined);
process.stdout.write(
  `without history: ${without.writes} writes for ${without.runs} executions in ${without.seconds.toFixed(1)} s\n`,
);
const database = new Database({ url: await server.url('lag'), clock: systemClock });
const kept = await load(database);
process.stdout.write(
  `with history:    ${kept.writes} writes for ${kept.runs} executions in ${kept.seconds.toFixed(1)} s\n`,
);
for (const [bound, share] of kept.lag) {
  process.stdout.write(`lag up to ${String(bound).padStart(5)} s: ${(share * 100).toFixed(2)} %\n`);
}
await database.close();
await server.stop();

async function load(database: Database | undefined) {
  const registry = new Registry();
  const world = await World.open();
  await world.createTemplate();
  const history = database && { history: { database, retention: DEFAULT_RETENTION } };
  const operator = await world.startOperator({ registry, ...history });
  await world.create(SANDBOXES, aSandbox());
  await world.sandbox(isReady);
  const { recording } = operator;
  const before = recording.writes.length;
  const startedAt = performance.now();
  const total = PER_SECOND * SECONDS;
  for (let n = 0; n < total; n += 1) {
    void world.create(EXECUTIONS, anExecution({ metadata: { name: `run-${n}` } }));
    const ahead = startedAt + (n * 1_000) / PER_SECOND - performance.now();
    if (ahead > 1) await pause(ahead);
  }
  while (world.caches.executions.list().filter(isFinished).length < total) await pause(20);
  const seconds = (performance.now() - startedAt) / 1_000;
  const writes = recording.writes.length - before;
  await operator.stop();
  const lag = database === undefined ? [] : await lagIn(registry);
  await world.close();
  return { runs: total, seconds, writes, lag };
}

/** Bounds of the histogram, and which share of the rows came within each. */
async function lagIn(registry: Registry): Promise<[number, number][]> {
  const metric = await registry.getSingleMetric('sandbox_history_lag_seconds')?.get();
  const buckets = (metric?.values ?? []).filter(({ labels }) => 'le' in labels);
  const all = Math.max(...buckets.map(({ value }) => value));
  return buckets
    .map(({ labels, value }): [number, number] => [Number(Object.values(labels)[0]), value / all])
    .filter(([bound]) => bound <= 10);
}
