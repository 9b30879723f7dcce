import { Readable } from 'node:stream';
import type { Execution } from '../../crds/execution.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import { systemClock } from '../../kube/clock.ts';
import { AuditLog } from '../../storage/history/audit-log.ts';
import type { Database } from '../../storage/history/database.ts';
import { audit } from '../../storage/history/schema.ts';
import { HistoryWriter } from '../../storage/history/writer.ts';
import { anExecution } from '../builders/execution.ts';
import { aSandbox } from '../builders/sandbox.ts';
import { FakeLogger } from '../fakes/logger.ts';
import { RestApi } from '../fakes/rest-api.ts';
import { temporaryFiles } from '../fakes/temporary-files.ts';
import { mariaDbForTests } from './mariadb-for-tests.ts';
import { rowsOf } from './rows.ts';
import { until } from './until.ts';

/** What REST clients see of what has left the cluster. */
const mariaDb = mariaDbForTests();
let database: Database;
let writer: HistoryWriter;
let api: RestApi;
let log: AuditLog;

beforeEach(async () => {
  database = await mariaDb.migrated();
  writer = new HistoryWriter(database, 'default');
  log = new AuditLog({ database, clock: systemClock, logger: new FakeLogger() });
  api = await RestApi.start({
    database,
    audit: (event) => {
      log.record(event);
    },
  });
});

afterEach(async () => {
  await api.stop();
  await log.close();
  await mariaDb.close();
});

const ENDED = {
  phase: 'Terminated',
  reason: 'IdleTimeout',
  terminatedAt: '2025-12-31T23:00:00Z',
} as const;

function pastSession(name: string, creationTimestamp = '2025-12-31T22:00:00Z'): Sandbox {
  return aSandbox({ metadata: { name, creationTimestamp }, status: ENDED });
}

function pastRun(name: string, creationTimestamp = '2025-12-31T22:00:00Z'): Execution {
  return anExecution({
    metadata: { name, creationTimestamp },
    status: { phase: 'Completed', reason: 'Completed', exitCode: 0, returnValue: { a: null } },
  });
}

async function past(sandboxes: readonly Sandbox[], executions: readonly Execution[] = []) {
  await writer.upsert(rowsOf({ sandboxes, executions }, { expired: true, gone: true }), 1);
}

function idsIn(body: Record<string, unknown>): unknown[] {
  return (body['items'] as { id: unknown }[]).map(({ id }) => id);
}

describe('a session of the past', () => {
  it('reads as it did when it left, and so does its execution', async () => {
    await past([pastSession('box')], [pastRun('run')]);
    expect((await api.client.get('/sessions/box')).body).toMatchObject({
      id: 'box',
      status: 'terminated',
      reason: 'IdleTimeout',
      completed_at: '2025-12-31T23:00:00Z',
    });
    expect((await api.client.get('/executions/run/result')).body).toMatchObject({
      session_id: 'box',
      status: 'completed',
      return_value: { a: null },
    });
    const { body } = await api.client.get('/sessions/box/executions');
    expect(body).toMatchObject({ total: 1, history: 'on' });
  });

  it('runs nothing, ends as often as one likes, and keeps its id', async () => {
    await past([pastSession('box')]);
    const run = { code: 'print(1)', language: 'python' };
    expect((await api.client.post('/sessions/box/execute', run)).status).toBe(409);
    expect((await api.client.post('/sessions/box/terminate', {})).body['status']).toBe(
      'terminated',
    );
    const again = await api.client.post('/sessions', { id: 'box', template_id: 'python-basic' });
    expect(again.body['code']).toBe('SessionExists');
  });

  it('is gone with its executions once it is deleted, and its id is free', async () => {
    await past([pastSession('box')], [pastRun('run')]);
    expect((await api.client.delete('/sessions/box')).status).toBe(204);
    expect((await api.client.delete('/sessions/box')).status).toBe(404);
    expect((await api.client.get('/sessions/box')).status).toBe(404);
    expect((await api.client.get('/executions/run')).status).toBe(404);
    expect((await api.client.get('/sessions')).body['total']).toBe(0);
    const again = await api.client.post('/sessions', { id: 'box', template_id: 'python-basic' });
    expect(again.status).toBe(201);
  });
});

describe('the list of sessions', () => {
  it('is one of what is live and what is past, and shows a new one at once', async () => {
    await past([pastSession('old'), pastSession('older', '2025-12-31T21:00:00Z')]);
    const created = await api.client.post('/sessions', { template_id: 'python-basic' });
    const { body } = await api.client.get('/sessions');
    expect(body).toMatchObject({ total: 3, has_more: false, next_cursor: null, history: 'on' });
    expect(idsIn(body)).toEqual([created.body['id'], 'old', 'older']);
  });

  test.each([
    ['status=terminated', ['b', 'a']],
    ['status=failed', ['c']],
    ['template_id=python-basic', ['c', 'b', 'a']],
    ['template_id=other', []],
    ['status=failed&template_id=python-basic', ['c']],
    ['status=no%C3%A4', []],
    ['created_after=2025-12-31T21:00:00Z', ['c', 'b']],
    ['created_before=2025-12-31T23:00:00%2B01:00', ['a']],
    ['created_after=2025-12-31T21:00:00Z&created_before=2025-12-31T23:00:00Z', ['b']],
  ])('is filtered: %s', async (query, ids) => {
    const failed = aSandbox({
      metadata: { name: 'c', creationTimestamp: '2025-12-31T23:00:00Z' },
      status: { ...ENDED, phase: 'Failed' },
    });
    const a = pastSession('a', '2025-12-31T21:00:00Z');
    await past([a, pastSession('b', '2025-12-31T22:00:00Z'), failed]);
    const { body } = await api.client.get(`/sessions?${query}`);
    expect(idsIn(body)).toEqual(ids);
    expect(body['total']).toBe(ids.length);
  });

  it('refuses a time or a cursor that is none', async () => {
    expect((await api.client.get('/sessions?created_after=yesterday')).status).toBe(422);
    expect((await api.client.get('/sessions?cursor=somewhere')).status).toBe(422);
  });
});

describe('the executions of a session', () => {
  it('are paged by cursor over live and past ones while more are made', async () => {
    const id = await api.runningSession();
    const submit = async (): Promise<void> => {
      api.clock.advance(1);
      await api.client.post(`/sessions/${id}/execute`, { code: 'print(1)', language: 'python' });
    };
    for (let n = 0; n < 5; n += 1) await submit();
    const owner = api.sandbox(id).metadata.uid;
    const old = Array.from({ length: 20 }, (_, n) =>
      pastRun(`old-${String(n)}`, new Date(Date.UTC(2025, 0, 1, 0, n)).toISOString()),
    );
    const { executions } = rowsOf({ executions: old }, { expired: true, gone: true });
    const ofSession = executions.map((row) => ({ ...row, sandboxUid: owner }));
    await writer.upsert({ sandboxes: [], templates: [], executions: ofSession }, 1);
    const found: unknown[] = [];
    let cursor = '';
    do {
      const { body } = await api.client.get(`/sessions/${id}/executions?limit=4${cursor}`);
      expect(body).toMatchObject({ history: 'on' });
      found.push(...idsIn(body));
      await submit();
      const next = body['next_cursor'];
      cursor = typeof next === 'string' ? `&cursor=${next}` : '';
    } while (cursor !== '');
    expect(found).toHaveLength(25);
    expect(new Set(found).size).toBe(25);
    const deep = await api.client.get(
      `/sessions/${id}/executions?limit=3&offset=20&status=completed`,
    );
    expect(deep.body).toMatchObject({ total: 20, items: [] });
    const last = await api.client.get(
      `/sessions/${id}/executions?limit=3&offset=18&status=completed`,
    );
    expect(idsIn(last.body)).toEqual(['old-1', 'old-0']);
  });
});

describe('the files of a session of the past', () => {
  const { folder, stored, removeFiles } = temporaryFiles();
  let ofPast: RestApi;

  beforeEach(async () => {
    ofPast = await RestApi.start({ database, stored });
    await past([pastSession('box')]);
    const content = Readable.from([Buffer.from('kept')]);
    await stored.putFile('uid-box', { path: 'out/a.txt', size: 4 }, { content });
    const file = { path: 'out/a.txt', size: 4, version: '1', executable: false };
    await stored.putManifest('uid-box', {
      files: [{ ...file, modifiedAt: '2025-12-31T22:30:00Z' }],
    });
  });
  afterEach(() => ofPast.stop());
  afterAll(removeFiles);

  it('are listed and read as before', async () => {
    const { body } = await ofPast.client.get('/sessions/box/files');
    expect(body).toMatchObject({ count: 1, files: [{ name: 'out/a.txt', size: 4 }] });
    expect((await ofPast.client.get('/sessions/box/files/out/a.txt')).text).toBe('kept');
    expect(await ofPast.client.get('/sessions/box/files/other')).toMatchObject({ status: 404 });
    const { body: session } = await ofPast.client.get('/sessions/box');
    expect(session['workspace_path']).toBe(`file://${folder}/objects/sessions/uid-box`);
  });

  it('cannot be changed', async () => {
    const upload = { raw: 'x', headers: { 'Content-Type': 'application/octet-stream' } };
    const answer = await ofPast.client.send('PUT', '/sessions/box/files/out/a.txt', upload);
    expect(answer).toMatchObject({ status: 400, body: { code: 'InactiveSession' } });
  });

  it('are nobody’s to see from another namespace', async () => {
    const other = await RestApi.start({ database, stored, namespace: 'other' });
    expect(await other.client.get('/sessions/box/files')).toMatchObject({ status: 400 });
    expect(await other.client.get('/sessions/box/files/out/a.txt')).toMatchObject({ status: 404 });
    await other.stop();
  });

  it('go with it', async () => {
    expect((await ofPast.client.delete('/sessions/box')).status).toBe(204);
    expect(await stored.manifest('uid-box')).toEqual({ files: [] });
    await expect(stored.openFile('uid-box', 'out/a.txt')).rejects.toThrow();
  });
});

describe('a state sync', () => {
  const rowsIn = (body: Record<string, unknown>) =>
    (body['result'] as Record<string, unknown>)['differences'];

  it('compares rows with objects, and tells what the mirror made up for meanwhile', async () => {
    const id = await api.runningSession();
    const lost = aSandbox({ metadata: { name: 'lost', uid: 'uid-lost' } });
    await writer.upsert(rowsOf({ sandboxes: [lost] }), 1);
    const answer = api.client.post('/health/sync');
    await until(
      () => Promise.resolve(api.clock.pending),
      (pending) => pending === 1,
    );
    const templates = api.templates.list();
    await writer.upsert(rowsOf({ sandboxes: [api.sandbox(id)], templates }, { sequence: 2 }), 1);
    api.clock.advance(2_000);
    expect(rowsIn((await answer).body)).toMatchObject({
      objects_without_row: { found: 2, repaired: 2 },
      rows_behind: { found: 0, repaired: 0 },
      rows_without_object: { found: 1, repaired: 0 },
    });
  });

  it('says so where the database is away', async () => {
    await mariaDb.server.kill();
    const { body } = await api.client.post('/health/sync');
    expect(body['result']).toMatchObject({
      errors: ['history does not answer, so its rows were not compared'],
    });
    expect(Object.keys(Object(rowsIn(body)))).not.toContain('rows_behind');
    await mariaDb.server.resume();
  });
});

describe('while the database is away', () => {
  it('everything live works, lists say so, and what is not live is not called unknown', async () => {
    await mariaDb.server.kill();
    const id = await api.runningSession();
    expect((await api.client.get(`/sessions/${id}`)).status).toBe(200);
    expect((await api.client.get('/sessions')).body).toMatchObject({
      total: 1,
      history: 'unavailable',
    });
    const { body: health } = await api.client.get('/health/detailed');
    expect(health).toMatchObject({ status: 'degraded', dependencies: { database: 'unhealthy' } });
    const unknown = await api.client.get('/sessions/unknown');
    expect(unknown).toMatchObject({ status: 503, body: { code: 'HistoryUnavailable' } });
    const mine = await api.client.post('/sessions', { id: 'mine', template_id: 'python-basic' });
    expect(mine.status).toBe(201);
    expect((await api.client.delete('/sessions/mine')).status).toBe(204);
    await mariaDb.server.resume();
    const { body: again } = await api.client.get('/health/detailed');
    expect(again).toMatchObject({ dependencies: { database: 'healthy' } });
    expect((await api.client.get('/sessions/unknown')).status).toBe(404);
  });
});

describe('the audit log', () => {
  it('has who did what with which outcome, and nothing of what was sent', async () => {
    const id = await api.runningSession();
    const run = { code: 'print("secret")', language: 'python', env_vars: { TOKEN: 'secret' } };
    await api.client.post(`/sessions/${id}/execute`, run);
    await api.client.delete('/sessions/none');
    const ask = () => database.use((connection) => connection.select().from(audit));
    const records = await until(ask, (all) => all.some(({ action }) => action === 'deleteSession'));
    const submitted = records.find(({ action }) => action === 'execute');
    expect(submitted).toMatchObject({
      principal: 'anonymous',
      method: 'POST',
      outcome: 'succeeded',
      status: 201,
      objectKind: 'execution',
      requestBytes: expect.any(Number),
    });
    expect(records.find(({ action }) => action === 'deleteSession')).toMatchObject({
      objectId: 'none',
      outcome: 'refused',
      status: 404,
    });
    expect(JSON.stringify(records)).not.toContain('secret');
  });
});
