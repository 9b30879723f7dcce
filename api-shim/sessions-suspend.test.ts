import { Readable } from 'node:stream';
import type { Sandbox } from '../crds/sandbox.ts';
import type { StoredWorkspaces } from '../storage/workspaces/stored-workspaces.ts';
import { RestApi, waitUntil } from '../test/fakes/rest-api.ts';
import type { Answer } from '../test/fakes/rest-client.ts';
import { temporaryFiles } from '../test/fakes/temporary-files.ts';

let api: RestApi;
let id: string;
let stored: StoredWorkspaces;
let removeFiles: () => void;

beforeEach(async () => {
  ({ stored, removeFiles } = temporaryFiles());
  api = await RestApi.start({ stored });
  id = await api.runningSession();
});
afterEach(async () => {
  await api.stop();
  removeFiles();
});

const AT = '2026-11-24T07:03:00.000Z';
const desired = (): Sandbox['spec']['desiredState'] => api.sandbox(id).spec.desiredState;
const post = (what: string): Promise<Answer> => api.client.post(`/sessions/${id}/${what}`);

function reportSuspended(): void {
  api.reportSession(id, {
    phase: 'Suspended',
    reason: 'SuspendedByUser',
    suspendedAt: AT,
    suspensions: 1,
  });
}

async function suspend(): Promise<Answer> {
  const answer = post('suspend');
  await waitUntil(() => desired() === 'Suspended');
  reportSuspended();
  return answer;
}

describe('suspending', () => {
  test('answers when the operator has done it', async () => {
    expect(await suspend()).toMatchObject({
      status: 200,
      body: { status: 'suspended', reason: 'SuspendedByUser', suspended_at: AT },
    });
    expect(api.clock.pending).toBe(0);
  });

  test('answers after a moment where that takes longer, as while something runs', async () => {
    const answer = post('suspend');
    await waitUntil(() => api.clock.pending === 1);
    api.clock.advance(2_000);
    expect(await answer).toMatchObject({
      status: 200,
      body: { status: 'running', suspended_at: null },
    });
  });

  test('twice is as good as once and writes nothing more', async () => {
    await suspend();
    const before = api.cluster.writes.length;
    expect(await post('suspend')).toMatchObject({ status: 200, body: { status: 'suspended' } });
    expect(api.cluster.writes.length).toBe(before);
  });

  test.each(['suspend', 'resume'])(
    '%s of one that has ended is 409, of an unknown one 404',
    async (what) => {
      api.reportSession(id, { phase: 'Terminated', reason: 'IdleTimeout', terminatedAt: AT });
      expect(await post(what)).toMatchObject({ status: 409, body: { code: 'SessionNotActive' } });
      expect((await api.client.post(`/sessions/unknown/${what}`)).status).toBe(404);
    },
  );
});

describe('a suspended session', () => {
  beforeEach(suspend);

  test('resumes, and one that serves stays as it is', async () => {
    const answer = post('resume');
    await waitUntil(() => desired() === 'Running');
    api.reportSession(id, { phase: 'Running', reason: 'ExecutorAnswering' });
    expect(await answer).toMatchObject({ status: 200, body: { status: 'running' } });
    const before = api.cluster.writes.length;
    expect(await post('resume')).toMatchObject({ status: 200, body: { status: 'running' } });
    expect(api.cluster.writes.length).toBe(before);
  });

  test('is creating while it resumes', async () => {
    api.reportSession(id, { phase: 'Resuming', reason: 'PodPending' });
    expect((await api.client.get(`/sessions/${id}`)).body['status']).toBe('creating');
  });

  test('takes executions, which wake it', async () => {
    const body = { code: 'print(1)', language: 'python', timeout: 5 };
    expect((await api.client.post(`/sessions/${id}/execute`, body)).status).toBe(201);
  });

  test('has its files in the store, to be read', async () => {
    const { uid } = api.sandbox(id).metadata;
    const file = { path: 'a.txt', size: 3, version: 'v', modifiedAt: AT, executable: false };
    await stored.putFile(uid, file, { content: Readable.from(['one']) });
    await stored.putManifest(uid, { files: [file] });
    expect((await api.client.get(`/sessions/${id}/files/a.txt`)).text).toBe('one');
  });

  test.each<[string, () => Promise<Answer>]>([
    [
      'an upload',
      () =>
        api.client.send('PUT', `/sessions/${id}/files/a.txt`, {
          raw: 'x',
          headers: { 'Content-Type': 'application/octet-stream' },
        }),
    ],
    [
      'an installation',
      () =>
        api.client.post(`/sessions/${id}/dependencies/install`, {
          dependencies: [{ name: 'six' }],
        }),
    ],
    ['what it uses', () => api.client.get(`/sessions/${id}/metrics`)],
  ])('%s is 409 and says what to do', async (_what, ask) => {
    const { status, body } = await ask();
    expect({ status, code: body['code'] }).toEqual({ status: 409, code: 'SessionSuspended' });
    expect(body['hint']).toContain('/resume');
  });

  test('takes a new timeout, is found by its status and ends as any other', async () => {
    const changed = await api.client.send('PATCH', `/sessions/${id}`, { body: { timeout: 77 } });
    expect(changed).toMatchObject({ status: 200, body: { timeout: 77, status: 'suspended' } });
    expect((await api.client.get('/sessions?status=suspended')).body['total']).toBe(1);
    const answer = post('terminate');
    await waitUntil(() => desired() === 'Terminated');
    api.reportSession(id, { phase: 'Terminated', reason: 'TerminatedByUser', terminatedAt: AT });
    expect((await answer).body['status']).toBe('terminated');
  });
});

test('an upload is 409 if the pod that took it was given up meanwhile', async () => {
  const raw = { raw: 'x', headers: { 'Content-Type': 'application/octet-stream' } };
  api.sandboxes.hold();
  reportSuspended();
  const answer = await api.client.send('PUT', `/sessions/${id}/files/a.txt`, raw);
  expect(answer).toMatchObject({ status: 409, body: { code: 'SessionSuspended' } });
});

test('what idleness does can be said, changed and seen', async () => {
  const other = await api.runningSession({ on_idle: 'suspend' });
  expect(api.sandbox(other).spec.timeouts.onIdle).toBe('Suspend');
  const path = `/sessions/${other}`;
  expect((await api.client.get(path)).body['on_idle']).toBe('suspend');
  await api.client.send('PATCH', path, { body: { on_idle: 'terminate' } });
  expect((await api.client.get(path)).body['on_idle']).toBe('terminate');
  await api.client.send('PUT', '/templates/python-basic', { body: { default_on_idle: 'suspend' } });
  expect((await api.client.get(`/sessions/${id}`)).body['on_idle']).toBe('suspend');
});

test('without object storage nothing is to be suspended', async () => {
  const bare = await RestApi.start();
  const session = await bare.runningSession();
  const answers = [
    await bare.client.post(`/sessions/${session}/suspend`),
    await bare.client.post('/sessions', { template_id: 'python-basic', on_idle: 'suspend' }),
    await bare.client.send('PATCH', `/sessions/${session}`, { body: { on_idle: 'suspend' } }),
  ];
  for (const { status, body } of answers)
    expect({ status, code: body['code'] }).toEqual({ status: 409, code: 'SessionNotSuspendable' });
  await bare.stop();
});
