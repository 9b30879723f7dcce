import { RestApi, waitUntil } from '../test/fakes/rest-api.ts';
import { SANDBOXES } from '../crds/sandbox.ts';
import { SANDBOX_TEMPLATES } from '../crds/sandbox-template.ts';
import { refOf } from '../kube/objects.ts';

let api: RestApi;
beforeEach(async () => {
  api = await RestApi.start();
});
afterEach(() => api.stop());

const MINIMAL = { template_id: 'python-basic', timeout: 300 };

describe('terminating', () => {
  test('cases 41 and 42: answers when the operator has ended it, with the time of the end', async () => {
    const id = await api.runningSession();
    const answer = api.client.post(`/sessions/${id}/terminate`);
    await waitUntil(() => api.sandbox(id).spec.desiredState === 'Terminated');
    api.reportSession(id, {
      phase: 'Terminated',
      reason: 'TerminatedByUser',
      terminatedAt: '2026-11-24T07:03:00Z',
    });
    expect(await answer).toMatchObject({
      status: 200,
      body: { status: 'terminated', completed_at: '2026-11-24T07:03:00Z' },
    });
    expect((await api.client.get(`/sessions/${id}`)).body).toMatchObject({
      status: 'terminated',
      completed_at: '2026-11-24T07:03:00Z',
    });
    expect(api.clock.pending).toBe(0);
  });

  test('answers without the operator after a moment; it already counts as terminated', async () => {
    const id = await api.runningSession();
    const answer = api.client.post(`/sessions/${id}/terminate`);
    await waitUntil(() => api.clock.pending === 1);
    api.clock.advance(2_000);
    expect(await answer).toMatchObject({
      status: 200,
      body: { status: 'terminated', completed_at: null },
    });
  });

  test('is seen by a get right after though the cache lags behind', async () => {
    const id = await api.runningSession();
    api.sandboxes.hold();
    const answer = api.client.post(`/sessions/${id}/terminate`);
    await waitUntil(() => api.clock.pending === 1);
    expect((await api.client.get(`/sessions/${id}`)).body['status']).toBe('terminated');
    api.clock.advance(2_000);
    await answer;
    expect((await api.client.get('/sessions?status=running')).body['total']).toBe(0);
  });

  test('case 43: twice is as good as once and writes nothing more', async () => {
    const id = await api.runningSession();
    api.reportSession(id, { phase: 'Failed' });
    await api.client.post(`/sessions/${id}/terminate`);
    const before = api.cluster.writes.length;
    expect(await api.client.post(`/sessions/${id}/terminate`)).toMatchObject({
      status: 200,
      body: { status: 'terminated' },
    });
    expect(api.cluster.writes.length).toBe(before);
  });

  test('case 44: an unknown one is 404', async () => {
    expect((await api.client.post('/sessions/unknown/terminate')).status).toBe(404);
  });

  test('case 50: others go on', async () => {
    const [one, other] = [await api.runningSession(), await api.runningSession()];
    api.reportSession(one, { phase: 'Failed' });
    await api.client.post(`/sessions/${one}/terminate`);
    expect((await api.client.get(`/sessions/${other}`)).body['status']).toBe('running');
    expect((await api.client.get('/health')).status).toBe(200);
  });
});

describe('deleting', () => {
  test('case 45: is 204 without a body, and then it is gone though its object still waits for its pod', async () => {
    const id = await api.runningSession();
    const { status, text } = await api.client.delete(`/sessions/${id}`);
    expect({ status, text }).toEqual({ status: 204, text: '' });
    expect(api.sandbox(id).metadata.deletionTimestamp).toBeDefined();
    expect((await api.client.get(`/sessions/${id}`)).status).toBe(404);
    expect((await api.client.get('/sessions')).body['total']).toBe(0);
  });

  test('is seen by a get right after though the cache lags behind', async () => {
    const id = await api.runningSession();
    api.sandboxes.hold();
    await api.client.delete(`/sessions/${id}`);
    expect((await api.client.get(`/sessions/${id}`)).status).toBe(404);
    expect((await api.client.get('/sessions')).body['total']).toBe(0);
  });

  test('case 46: an unknown or deleted one is 404', async () => {
    const id = await api.runningSession();
    await api.client.delete(`/sessions/${id}`);
    expect((await api.client.delete(`/sessions/${id}`)).status).toBe(404);
    expect((await api.client.delete('/sessions/unknown')).status).toBe(404);
  });

  test('case 138: a session of a deleted template is 400', async () => {
    await api.client.delete('/templates/python-basic');
    expect(api.cluster.all(SANDBOX_TEMPLATES)).toEqual([]);
    expect((await api.client.post('/sessions', MINIMAL)).status).toBe(400);
  });
});

describe('case 21: an id that is taken', () => {
  test('is 409, also after terminate', async () => {
    const id = await api.runningSession({ id: 'demo' });
    const again = await api.client.post('/sessions', { ...MINIMAL, id });
    expect({ status: again.status, code: again.body['code'] }).toEqual({
      status: 409,
      code: 'SessionExists',
    });
    expect(again.body['detail']).toBe('Session ID already exists: demo');
    api.reportSession(id, { phase: 'Terminated' });
    expect((await api.client.post('/sessions', { ...MINIMAL, id })).status).toBe(409);
  });

  test('is free after delete: the create waits for the remains to go', async () => {
    const id = await api.runningSession({ id: 'demo' });
    expect((await api.client.delete('/sessions/demo')).status).toBe(204);
    const again = api.client.post('/sessions', { ...MINIMAL, id });
    await waitUntil(() => api.clock.pending === 1);
    api.cluster.remove(SANDBOXES, refOf(api.sandbox(id)));
    expect((await again).status).toBe(201);
    expect((await api.client.get('/sessions/demo')).body['status']).toBe('creating');
    expect(api.clock.pending).toBe(0);
  });

  test('is 409 with its own code while the remains stay', async () => {
    const id = await api.runningSession({ id: 'demo' });
    await api.client.delete('/sessions/demo');
    const again = api.client.post('/sessions', { ...MINIMAL, id });
    await waitUntil(() => api.clock.pending === 1);
    api.clock.advance(10_000);
    const { status, body } = await again;
    expect({ status, code: body['code'] }).toEqual({ status: 409, code: 'SessionBeingDeleted' });
  });
});
