import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { sql } from 'drizzle-orm';
import { LIMITS } from '../../crds/limits.ts';
import { systemClock } from '../../kube/clock.ts';
import { AuditLog } from '../../storage/history/audit-log.ts';
import { Database } from '../../storage/history/database.ts';
import { endingsOf } from '../../storage/history/endings.ts';
import { HistoryError } from '../../storage/history/errors.ts';
import { applyMigrations } from '../../storage/history/migrations.ts';
import { HistoryReader } from '../../storage/history/reader.ts';
import { purge } from '../../storage/history/retention.ts';
import { audit, executions, sandboxes } from '../../storage/history/schema.ts';
import { HistoryWriter, type Rows } from '../../storage/history/writer.ts';
import { anExecution } from '../builders/execution.ts';
import { aSandbox, readyStatus } from '../builders/sandbox.ts';
import { runCommand } from '../../tools/run-command.ts';
import { FakeLogger } from '../fakes/logger.ts';
import { mariaDbForTests } from './mariadb-for-tests.ts';
import { NOW, rowsOf } from './rows.ts';

const mariaDb = mariaDbForTests();
let database: Database;
let writer: HistoryWriter;
let reader: HistoryReader;

beforeEach(async () => {
  database = await mariaDb.migrated();
  writer = new HistoryWriter(database, 'default');
  reader = new HistoryReader(database);
});

afterEach(() => mariaDb.close());

const everything = { after: undefined, skip: 0, limit: 100, without: [] };

const running = aSandbox({ status: readyStatus() });
const ended = aSandbox({
  spec: { desiredState: 'Terminated' },
  status: { phase: 'Terminated', reason: 'TerminatedByUser', terminatedAt: '2026-01-01T01:00:00Z' },
});
const done = anExecution({
  status: { phase: 'Completed', finishedAt: '2026-01-01T00:00:01.234Z' },
});

/** As the leader that has a right to; what the fence in a row does is tried here. */
function writeRows(rows: Rows): Promise<void> {
  return writer.upsert(rows, Number.MAX_SAFE_INTEGER);
}

async function past(): Promise<string[]> {
  const list = await reader.sandboxes({ namespace: 'default' }).page(everything);
  return list.map(({ metadata }) => metadata.name);
}

async function rowOf(uid = 'uid-box') {
  const [row] = await database.use((connection) =>
    connection
      .select()
      .from(sandboxes)
      .where(sql`uid = ${uid}`),
  );
  return row;
}

describe('a row', () => {
  it('holds the whole object, whatever is in it', async () => {
    const event = { deep: nested(100), text: 'NUL \0, half a character \ud800, \u{1f680}' };
    const status = { phase: 'Completed', returnValue: { a: null, b: 2 ** 53 } } as const;
    const execution = anExecution({ spec: { event, code: '\u4e16'.repeat(1_000) }, status });
    await writeRows(rowsOf({ executions: [execution] }, { expired: true }));
    const found = await reader.findExecution('default', 'run');
    expect(found?.execution).toEqual(JSON.parse(JSON.stringify(execution)));
  });

  it('takes the largest execution that the API can make', async () => {
    const whole = { bytes: 1, truncated: false };
    const execution = anExecution({
      spec: {
        code: '\u4e16'.repeat(LIMITS.codeCharacters),
        event: { a: 'x'.repeat(LIMITS.eventBytes) },
      },
      status: {
        phase: 'Completed',
        stdout: { ...whole, text: '\u4e16'.repeat(70_000) },
        stderr: { ...whole, text: '\\"'.repeat(100_000) },
        returnValue: 'x'.repeat(LIMITS.returnValueBytes),
      },
    });
    await writeRows(rowsOf({ executions: [execution] }, { expired: true }));
    const found = await reader.findExecution('default', 'run');
    expect(found?.execution.status?.stdout?.text).toHaveLength(70_000);
  });

  it('keeps times in UTC, to the millisecond', async () => {
    const metadata = { annotations: { 'sandbox.ai/created-at': '2026-03-29T01:30:00.123Z' } };
    await writeRows(rowsOf({ sandboxes: [aSandbox({ metadata })] }));
    expect((await rowOf())?.createdAt).toBe(Date.parse('2026-03-29T01:30:00.123Z'));
  });

  it('is found by its id to the letter and the blank', async () => {
    const metadata = { annotations: { 'sandbox.ai/rest-id': 'Straße' } };
    await writeRows(rowsOf({ sandboxes: [aSandbox({ metadata })] }, { expired: true }));
    const found = await Promise.all(
      ['Straße', 'straße', 'Strasse', 'Straße '].map((id) => reader.findSandbox('default', id)),
    );
    expect(found.map((sandbox) => sandbox?.metadata.name)).toEqual([
      'box',
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('is refused with an error that quotes nothing of it', async () => {
    const { sandboxes: rows } = rowsOf({ sandboxes: [running] });
    const tooLong = rows.map((row) => ({ ...row, name: 'secret'.repeat(100) }));
    const refused = writer.upsert({ sandboxes: tooLong, templates: [], executions: [] }, 1);
    const error = await refused.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'Rejected', retryable: false });
    expect(JSON.stringify(error) + String((error as Error).stack)).not.toContain('secretsecret');
  });
});

describe('which write wins', () => {
  const old = { sandboxes: [running] };
  const young = { sandboxes: [ended] };

  test.each([
    ['the later look of one leader', { sequence: 2 }, { sequence: 3 }, 'terminated'],
    ['not an earlier look that arrives late', { sequence: 3 }, { sequence: 2 }, 'running'],
    [
      'the first look of the next leader',
      { fence: 1, sequence: 9 },
      { fence: 2, sequence: 1 },
      'terminated',
    ],
    [
      'not a late write of a deposed leader',
      { fence: 2, sequence: 1 },
      { fence: 1, sequence: 9 },
      'running',
    ],
    ['the same look again, without harm', { sequence: 2 }, { sequence: 2 }, 'terminated'],
  ])('%s', async (_, first, second, status) => {
    await writeRows(rowsOf(old, first));
    await writeRows(rowsOf(young, second));
    const row = await rowOf();
    expect(row).toMatchObject({ status });
    expect(row?.sequence).toBe(status === 'running' ? first.sequence : second.sequence);
  });

  it('many rows in one statement are judged one by one', async () => {
    const a = (phase: 'Running' | 'Failed') =>
      aSandbox({ metadata: { name: 'a', uid: 'uid-a' }, status: readyStatus({ phase }) });
    const b = (phase: 'Running' | 'Failed') =>
      aSandbox({ metadata: { name: 'b', uid: 'uid-b' }, status: readyStatus({ phase }) });
    await writeRows(rowsOf({ sandboxes: [a('Running')] }, { sequence: 5 }));
    await writeRows(rowsOf({ sandboxes: [a('Failed'), b('Failed')] }, { sequence: 4 }));
    expect([(await rowOf('uid-a'))?.status, (await rowOf('uid-b'))?.status]).toEqual([
      'running',
      'failed',
    ]);
  });
});

describe('the fence', () => {
  it('grows with every leader, and stays when one asks again', async () => {
    const first = await writer.claim({ lease: 'uid-lease', transitions: 0 });
    const again = await writer.claim({ lease: 'uid-lease', transitions: 0 });
    const next = await writer.claim({ lease: 'uid-lease', transitions: 1 });
    expect([again - first, next - first]).toEqual([0, 1]);
  });

  it('grows also when the lease was made anew and counts from zero', async () => {
    const first = await writer.claim({ lease: 'uid-lease', transitions: 57 });
    expect(await writer.claim({ lease: 'uid-new-lease', transitions: 0 })).toBeGreaterThan(first);
  });

  it('is refused to one who led before', async () => {
    await writer.claim({ lease: 'uid-lease', transitions: 3 });
    const late = writer.claim({ lease: 'uid-lease', transitions: 2 });
    await expect(late).rejects.toMatchObject({ code: 'Deposed' });
  });

  it('keeps one who led before from writing anything', async () => {
    const first = await writer.claim({ lease: 'uid-lease', transitions: 1 });
    await writer.claim({ lease: 'uid-lease', transitions: 2 });
    const late = writer.upsert(rowsOf({ sandboxes: [running] }, { fence: first }), first);
    await expect(late).rejects.toMatchObject({ code: 'Deposed' });
    expect(await rowOf()).toBeUndefined();
  });

  it('is one per namespace: operators that share a database depose nobody and close no row of another', async () => {
    const other = new HistoryWriter(database, 'tenant');
    const ofOther = await other.claim({ lease: 'uid-other-lease', transitions: 0 });
    const mine = await writer.claim({ lease: 'uid-lease', transitions: 7 });
    const theirs = aSandbox({
      metadata: { name: 'theirs', namespace: 'tenant', uid: 'uid-theirs' },
    });
    await other.upsert(rowsOf({ sandboxes: [theirs] }, { fence: ofOther }), ofOther);
    await writer.upsert(rowsOf({ sandboxes: [running] }, { fence: mine }), mine);
    const all = { after: '', limit: 10 };
    expect((await writer.open('sandboxes', all)).map(({ uid }) => uid)).toEqual(['uid-box']);
    expect((await other.open('sandboxes', all)).map(({ uid }) => uid)).toEqual(['uid-theirs']);
  });

  it('begins above that of a version which knew one leader for all', async () => {
    await database.use((connection) =>
      connection.execute(sql`insert into leader values (1, 41, 'uid-lease', 3)`),
    );
    expect(await writer.claim({ lease: 'uid-lease', transitions: 4 })).toBe(42);
  });

  it('is given to each of many who ask at once only as far as they come later', async () => {
    const asked = [1, 2, 3, 4, 5].map((transitions) =>
      writer.claim({ lease: 'uid-lease', transitions }).catch((error: unknown) => error),
    );
    const given = (await Promise.all(asked)).filter((fence) => typeof fence === 'number');
    expect(new Set(given).size).toBe(given.length);
    expect(await writer.claim({ lease: 'uid-lease', transitions: 5 })).toBe(Math.max(...given));
  });
});

describe('the end of an object', () => {
  it('is shown when its time was up, before and after it is gone', async () => {
    await writeRows(rowsOf({ sandboxes: [ended] }));
    expect(await past()).toEqual([]);
    await writeRows(rowsOf({ sandboxes: [ended] }, { sequence: 2, expired: true }));
    expect(await past()).toEqual(['box']);
    await writeRows(rowsOf({ sandboxes: [ended] }, { sequence: 3, gone: true }));
    expect(await past()).toEqual(['box']);
  });

  it('is not shown when a person deleted it, whether or not there was a row', async () => {
    await writeRows(rowsOf({ sandboxes: [ended] }, { gone: true }));
    expect(await past()).toEqual([]);
    expect((await rowOf())?.deletedAt).toBe(NOW);
  });

  it('is hidden for good when REST deletes it, however late the mirror sees it', async () => {
    await writeRows(rowsOf({ sandboxes: [ended] }, { expired: true }));
    await writer.markDeleted('uid-box', NOW);
    await writeRows(rowsOf({ sandboxes: [ended] }, { sequence: 2 }));
    await writeRows(rowsOf({ sandboxes: [ended] }, { sequence: 3, gone: true }));
    expect(await past()).toEqual([]);
  });

  it('takes the executions of a deleted session out of sight', async () => {
    await writeRows(rowsOf({ sandboxes: [ended], executions: [done] }, { expired: true }));
    expect((await reader.findExecution('default', 'run'))?.sessionId).toBe('box');
    await writer.markDeleted('uid-box', NOW);
    expect(await reader.findExecution('default', 'run')).toBeUndefined();
  });

  it('is taken back when the object is seen again', async () => {
    await writeRows(rowsOf({ sandboxes: [running] }));
    await writer.close('sandboxes', ['uid-box'], { now: NOW, fence: 1, sequence: 2 });
    expect(await rowOf()).toMatchObject({ goneAt: NOW, deletedAt: NOW });
    await writeRows(rowsOf({ sandboxes: [running] }, { sequence: 3 }));
    expect(await rowOf()).toMatchObject({ goneAt: null, deletedAt: null });
  });

  it('cannot be declared by a deposed leader', async () => {
    await writeRows(rowsOf({ sandboxes: [running] }, { fence: 2 }));
    await writer.close('sandboxes', ['uid-box'], { now: NOW, fence: 1, sequence: 99 });
    expect((await rowOf())?.goneAt).toBeNull();
  });
});

describe('retention', () => {
  it('removes what is gone for too long, and nothing that is there', async () => {
    const old = NOW - 40 * 86_400_000;
    const alive = anExecution({ metadata: { name: 'alive' } });
    const many = Array.from({ length: 1_200 }, (_, n) =>
      anExecution({ metadata: { name: `run-${n}` } }),
    );
    await writeRows(rowsOf({ executions: many }, { now: old, gone: true, expired: true }));
    await writeRows(rowsOf({ executions: [alive] }, { now: old }));
    await writeRows(rowsOf({ sandboxes: [ended] }, { now: old, gone: true, expired: true }));
    const retention = { executionDays: 30, sandboxDays: 90, auditDays: 365 };
    expect(await purge(database, retention, { now: NOW })).toBe(1_200);
    const left = await database.use((connection) =>
      connection.select({ name: executions.name }).from(executions),
    );
    expect(left).toEqual([{ name: 'alive' }]);
    expect(await past()).toEqual(['box']);
  });
});

describe('a dump', () => {
  it('made while it is written to and restored elsewhere holds every row', async () => {
    const many = Array.from({ length: 300 }, (_, n) =>
      anExecution({ metadata: { name: `run-${n}` }, spec: { code: `print("\u{1f680} ${n}")` } }),
    );
    await writeRows(rowsOf({ executions: many, sandboxes: [ended] }, { expired: true }));
    const dump = path.join(await mkdtemp(path.join(os.tmpdir(), 'dump-')), 'history.sql');
    const { server, url } = mariaDb;
    const from = new URL(url).pathname.slice(1);
    const to = new URL(await server.url()).pathname.slice(1);
    const client = `--no-defaults --host=127.0.0.1 --port=${server.port} --user=root`;
    const env = { MYSQL_PWD: server.password };
    const shell = async (command: string): Promise<void> => {
      expect(await runCommand(['sh', '-c', command], { env })).toMatchObject({ exitCode: 0 });
    };
    await shell(`mariadb-dump ${client} --single-transaction --hex-blob ${from} > ${dump}`);
    await shell(`mariadb ${client} ${to} < ${dump}`);
    await rm(path.dirname(dump), { recursive: true });

    const restored = new Database({ url: await server.url(to), clock: systemClock });
    await applyMigrations(restored);
    const list = new HistoryReader(restored).executions({ sandboxUid: 'uid-box' });
    const found = await list.page({ ...everything, limit: 1_000 });
    expect(new Set(found.map(({ spec }) => spec.code))).toEqual(
      new Set(many.map(({ spec }) => spec.code)),
    );
    await restored.close();
  });
});

describe('the audit log', () => {
  const record = {
    time: '2026-01-02T00:00:00.500Z',
    requestId: 'request-1',
    principal: 'key-of-alice',
    namespace: 'default',
    action: 'deleteSession',
    method: 'DELETE',
    object: { kind: 'session', id: 'box' },
    outcome: 'succeeded',
    status: 204,
    requestBytes: null,
    durationMs: 1.5,
  };
  const logger = new FakeLogger();

  it('has a row per request, written off its path and at the latest when it is closed', async () => {
    const log = new AuditLog({ database, clock: systemClock, logger });
    for (let n = 0; n < 1_200; n += 1) log.record({ ...record, requestId: `request-${n}` });
    await log.close();
    const written = await database.use((connection) => connection.select().from(audit));
    expect(new Set(written.map(({ requestId }) => requestId)).size).toBe(1_200);
    expect(written[0]).toMatchObject({
      principal: 'key-of-alice',
      objectId: 'box',
      status: 204,
      at: Date.parse(record.time),
    });
  });

  it('keeps as many as it may while the database is away, and says how many it gave up', async () => {
    let dropped = 0;
    const onDropped = (count: number): void => void (dropped += count);
    const away = new Database({ url: 'mysql://root@127.0.0.1:1/none', clock: systemClock });
    const log = new AuditLog({
      database: away,
      clock: systemClock,
      logger,
      capacity: 10,
      onDropped,
    });
    for (let n = 0; n < 15; n += 1) log.record(record);
    expect(dropped).toBe(5);
    await log.close();
    expect(dropped).toBe(15);
    await away.close();
  });
});

describe('a database that is not there', () => {
  it('is told as such, without its password', async () => {
    const away = new Database({ url: 'mysql://root:hunter2@127.0.0.1:1/none', clock: systemClock });
    const error = await new HistoryWriter(away, 'default')
      .upsert(rowsOf({ sandboxes: [running] }), 1)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(HistoryError);
    expect(error).toMatchObject({ code: 'Unavailable', retryable: true });
    expect(String(error)).toContain('ECONNREFUSED');
    expect(String(error)).not.toContain('hunter2');
    await expect(new HistoryReader(away).ping()).rejects.toBeInstanceOf(HistoryError);
    await away.close();
  });

  it('does not hold a call for longer than it may take', async () => {
    await writeRows(rowsOf({ sandboxes: [running] }));
    await mariaDb.server.freeze();
    const asked = database.use((connection) => connection.execute(sql`select 1`), {
      timeoutMs: 300,
    });
    const outcome = await asked.catch((error: unknown) => error);
    await mariaDb.server.thaw();
    expect(outcome).toMatchObject({ code: 'Unavailable' });
    expect((await rowOf())?.status).toBe('running');
  });

  it('has every row that it took when it comes back from a power cut', async () => {
    await writeRows(rowsOf({ sandboxes: [running] }));
    await mariaDb.server.kill();
    await expect(writeRows(rowsOf({ sandboxes: [ended] }, { sequence: 2 }))).rejects.toMatchObject({
      code: 'Unavailable',
    });
    await mariaDb.server.resume();
    expect((await rowOf())?.status).toBe('running');
    await writeRows(rowsOf({ sandboxes: [ended] }, { sequence: 2 }));
    expect((await rowOf())?.status).toBe('terminated');
  });
});

function nested(depth: number): unknown {
  return depth === 0 ? 'bottom' : [nested(depth - 1)];
}

describe('how sandboxes ended', () => {
  const uids = ['uid-box', 'uid-unknown'];
  const ask = (namespace = 'default') => endingsOf(database, { namespace, uids });

  it('is known of those that are gone', async () => {
    await writeRows(rowsOf({ sandboxes: [ended] }, { expired: true, gone: true }));
    expect(await ask()).toEqual(
      new Map([['uid-box', { endedAt: Date.parse('2026-01-01T01:00:00Z'), isDeleted: false }]]),
    );
    expect((await ask('other')).size).toBe(0);
  });

  it('says whether a person deleted it', async () => {
    await writeRows(rowsOf({ sandboxes: [running] }, { gone: true }));
    expect((await ask()).get('uid-box')).toEqual({ endedAt: undefined, isDeleted: true });
  });

  it('is not known of what is there', async () => {
    await writeRows(rowsOf({ sandboxes: [ended] }));
    expect((await ask()).size).toBe(0);
    expect((await endingsOf(database, { namespace: 'default', uids: [] })).size).toBe(0);
  });
});
