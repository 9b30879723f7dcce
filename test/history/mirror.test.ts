import { EXECUTIONS, isFinished } from '../../crds/execution.ts';
import { isEnded, SANDBOXES } from '../../crds/sandbox.ts';
import { SANDBOX_TEMPLATES } from '../../crds/sandbox-template.ts';
import { Registry } from 'prom-client';
import { createHistory } from '../../operator/mirror/history.ts';
import { executions, sandboxes, sandboxTemplates } from '../../storage/history/schema.ts';
import { applyMigrations } from '../../storage/history/migrations.ts';
import { HistoryReader } from '../../storage/history/reader.ts';
import { HistoryWriter } from '../../storage/history/writer.ts';
import { anExecution } from '../builders/execution.ts';
import { aSandbox } from '../builders/sandbox.ts';
import { isReady, World, type RunningOperator } from '../flow/world.ts';
import { mariaDbForTests } from './mariadb-for-tests.ts';
import { rowsOf } from './rows.ts';
import { until } from './until.ts';

/** The whole operator on a real API server and a real MariaDB. */
const mariaDb = mariaDbForTests();
let world: World;

const DAY_MS = 86_400_000;
const retention = { sandboxDays: 90, executionDays: 30, auditDays: 365 };

beforeEach(async () => {
  world = await World.open();
  await world.createTemplate();
});

afterEach(async () => {
  await world.close();
  await mariaDb.close();
});

function startOperator(): Promise<RunningOperator> {
  return world.startOperator({ history: { database: mariaDb.connect(), retention } });
}

interface AnyRow {
  readonly uid: string;
  readonly name: string;
  readonly status?: string;
  readonly object: string;
  readonly resourceVersion: string;
  readonly goneAt: number | null;
  readonly deletedAt: number | null;
}

const TABLES = { sandboxes, sandboxTemplates, executions } as const;

/** The first such row, as soon as there is one. */
async function row(
  table: keyof typeof TABLES,
  isWanted: (row: AnyRow) => boolean,
): Promise<AnyRow | undefined> {
  const database = mariaDb.connect();
  const ask = (): Promise<AnyRow[]> =>
    database.use((connection) => connection.select().from(TABLES[table])).catch(() => []);
  const found = await until(ask, (all) => all.some(isWanted)).catch((error: unknown) => {
    console.error(world.logger.lines.filter(({ level }) => level !== 'debug').slice(-20));
    throw error;
  });
  return found.find(isWanted);
}

async function aFinishedRun(name = 'run', spec = {}) {
  await world.create(EXECUTIONS, anExecution({ metadata: { name }, spec }));
  return world.execution(isFinished, name);
}

describe('the mirror', () => {
  it('keeps a row of every object, of its last state and as it is', async () => {
    await startOperator();
    await world.create(SANDBOXES, aSandbox());
    await world.sandbox(isReady);
    const execution = await aFinishedRun();
    const kept = await row(
      'executions',
      ({ resourceVersion }) => resourceVersion === execution.metadata.resourceVersion,
    );
    const { managedFields: _, ...metadata } = execution.metadata as unknown as Record<
      string,
      unknown
    >;
    expect(JSON.parse(kept?.object ?? '')).toEqual({ ...execution, metadata });
    const sandbox = await world.sandbox(isReady);
    await row(
      'sandboxes',
      ({ resourceVersion }) => resourceVersion === sandbox.metadata.resourceVersion,
    );
    await row('sandboxTemplates', ({ name }) => name === 'python-basic');
    expect(kept).toMatchObject({
      status: 'completed',
      sandboxUid: sandbox.metadata.uid,
      goneAt: null,
      deletedAt: null,
    });
  });

  it('costs no write at the API server', async () => {
    const { recording } = await startOperator();
    await world.create(SANDBOXES, aSandbox());
    await world.sandbox(isReady);
    await aFinishedRun();
    await row('executions', ({ status }) => status === 'completed');
    const withHistory = recording.writes.map(({ verb, kind }) => `${verb} ${kind}`);
    expect(withHistory.filter((write) => write.endsWith('Execution'))).toHaveLength(1);
    expect(
      withHistory.filter((write) => !/(Execution|Sandbox|Pod|SandboxTemplate|Event)$/.test(write)),
    ).toEqual([]);
  });

  it('closes the row of what a person deleted, with its last state', async () => {
    await startOperator();
    await world.create(SANDBOXES, aSandbox());
    const sandbox = await world.sandbox(isReady);
    await aFinishedRun();
    await world.client.delete(SANDBOXES, { namespace: 'default', name: 'box' });
    await world.gone(world.caches.sandboxes, 'box');
    const closed = await row('sandboxes', ({ goneAt }) => goneAt !== null);
    expect(closed).toMatchObject({ uid: sandbox.metadata.uid, deletedAt: expect.any(Number) });
    expect(await row('executions', ({ goneAt }) => goneAt !== null)).toMatchObject({
      status: 'completed',
      deletedAt: expect.any(Number),
    });
  });
});

describe('an object whose time is up', () => {
  it('leaves the API server when history has it, and is there to be read', async () => {
    await startOperator();
    await world.create(SANDBOXES, aSandbox());
    await world.sandbox(isReady);
    const execution = await aFinishedRun('run', { ttlSecondsAfterFinished: 60 });
    world.clock.skip(60_000);
    await world.gone(world.caches.executions, 'run');
    await row('executions', ({ goneAt }) => goneAt !== null);
    const found = await new HistoryReader(mariaDb.connect()).findExecution('default', 'run');
    expect(found?.execution.metadata.uid).toBe(execution.metadata.uid);
    expect(found?.execution.status).toEqual(execution.status);
  });

  it('takes its executions along when it is a sandbox', async () => {
    await startOperator();
    await world.create(SANDBOXES, aSandbox());
    await world.sandbox(isReady);
    await aFinishedRun('run', { ttlSecondsAfterFinished: 2_000_000 });
    const terminate = { kind: 'merge', body: { spec: { desiredState: 'Terminated' } } } as const;
    await world.client.patch(SANDBOXES, { namespace: 'default', name: 'box' }, terminate);
    await world.sandbox(isEnded);
    await world.gone(world.caches.pods, 'box');
    world.clock.skip(DAY_MS);
    await world.gone(world.caches.sandboxes, 'box');
    await row('sandboxes', ({ goneAt }) => goneAt !== null);
    const reader = new HistoryReader(mariaDb.connect());
    expect((await reader.findSandbox('default', 'box'))?.status?.reason).toBe('TerminatedByUser');
    expect((await reader.findExecution('default', 'run'))?.sessionId).toBe('box');
  });

  it('still tells what it had of a template that is gone', async () => {
    await startOperator();
    await world.create(SANDBOXES, aSandbox());
    await world.sandbox(isReady);
    await world.client.delete(SANDBOX_TEMPLATES, { namespace: 'default', name: 'python-basic' });
    await world.gone(world.caches.templates, 'python-basic');
    const terminate = { kind: 'merge', body: { spec: { desiredState: 'Terminated' } } } as const;
    await world.client.patch(SANDBOXES, { namespace: 'default', name: 'box' }, terminate);
    await world.sandbox(isEnded);
    await world.gone(world.caches.pods, 'box');
    world.clock.skip(DAY_MS);
    await world.gone(world.caches.sandboxes, 'box');
    const past = await new HistoryReader(mariaDb.connect()).findSandbox('default', 'box');
    expect(past?.status?.inherited).toMatchObject({ runtime: 'python3.11', idleSeconds: 1_800 });
  });

  it('stays while history cannot take it, and nothing else waits for that', async () => {
    await startOperator();
    await world.create(SANDBOXES, aSandbox());
    await world.sandbox(isReady);
    const execution = await aFinishedRun('run', { ttlSecondsAfterFinished: 60 });
    await row('executions', ({ status }) => status === 'completed');
    await mariaDb.server.kill();
    world.clock.skip(60_000);

    await world.create(SANDBOXES, aSandbox({ metadata: { name: 'other' } }));
    await world.sandbox(isReady, 'other');
    await aFinishedRun('during');
    await world.client.delete(SANDBOXES, { namespace: 'default', name: 'other' });
    await world.gone(world.caches.pods, 'other');
    await world.gone(world.caches.sandboxes, 'other');
    expect(world.caches.executions.get({ namespace: 'default', name: 'run' })).toBeDefined();

    await mariaDb.server.resume();
    await world.gone(world.caches.executions, 'run');
    expect(await row('executions', ({ name }) => name === 'during')).toMatchObject({
      status: 'completed',
    });
    expect(await row('sandboxes', ({ name }) => name === 'other')).toMatchObject({
      deletedAt: expect.any(Number),
    });
    const found = await new HistoryReader(mariaDb.connect()).findExecution('default', 'run');
    expect(found?.execution.metadata.uid).toBe(execution.metadata.uid);
  });
});

describe('a late wish to keep', () => {
  it('does not open the row of what is gone', async () => {
    const { caches } = world;
    const database = mariaDb.connect();
    const history = createHistory({
      database,
      retention,
      namespace: 'default',
      caches,
      clock: world.clock,
      random: Math.random,
      logger: world.logger,
      registry: new Registry(),
      term: () => ({ lease: 'lease', transitions: 0 }),
      onKept: () => undefined,
    });
    for (const work of history.work) work.start();
    const { finalizers: _, ...metadata } = aSandbox().metadata;
    const object = await world.create(SANDBOXES, { ...aSandbox(), metadata });
    await row('sandboxes', ({ uid }) => uid === object.metadata.uid);
    await world.client.delete(SANDBOXES, { namespace: 'default', name: 'box' });
    await world.gone(caches.sandboxes, 'box');
    history.archive.keep({ table: 'sandboxes', object });
    await row('sandboxes', ({ goneAt }) => goneAt !== null);
    for (const work of history.work) await work.stop(5_000);
    expect(await row('sandboxes', () => true)).toMatchObject({ goneAt: expect.any(Number) });
  });
});

describe('after a restart with everything out of step', () => {
  it('closes rows without an object, writes objects without a row, and renews rows that are behind', async () => {
    const first = await startOperator();
    await world.create(SANDBOXES, aSandbox());
    await world.sandbox(isReady);
    await row('sandboxes', ({ name }) => name === 'box');
    await first.stop();

    const database = mariaDb.connect();
    await applyMigrations(database);
    const lost = aSandbox({ metadata: { name: 'lost', uid: 'uid-lost' } });
    await new HistoryWriter(database, 'default').upsert(
      rowsOf({ sandboxes: [lost] }, { fence: 0 }),
      99,
    );
    await world.create(EXECUTIONS, anExecution());
    await startOperator();
    const { metadata } = await world.execution(isFinished);
    expect(
      await row('sandboxes', ({ uid, goneAt }) => uid === 'uid-lost' && goneAt !== null),
    ).toMatchObject({ deletedAt: expect.any(Number) });
    await row('executions', ({ resourceVersion }) => resourceVersion === metadata.resourceVersion);
    const sandbox = await world.sandbox(isReady);
    await row(
      'sandboxes',
      ({ resourceVersion }) => resourceVersion === sandbox.metadata.resourceVersion,
    );
  });

  it('starts without a database, and catches up when there is one', async () => {
    await mariaDb.server.kill();
    await startOperator();
    await world.create(SANDBOXES, aSandbox());
    await world.sandbox(isReady);
    await aFinishedRun();
    await mariaDb.server.resume();
    await row('executions', ({ status }) => status === 'completed');
    await row('sandboxes', ({ status }) => status === 'running');
  });
});
