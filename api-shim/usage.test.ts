import { RestApi } from '../test/fakes/rest-api.ts';

let api: RestApi;
beforeAll(async () => {
  api = await RestApi.start();
});
afterAll(() => api.stop());

test('a live session tells what it uses, beside its own limits', async () => {
  const id = await api.runningSession({ cpu: '0.5', memory: '1Gi', disk: '2Gi' });
  const { status, body } = await api.client.get(`/sessions/${id}/metrics`);
  expect(status).toBe(200);
  expect(body).toEqual({
    session_id: id,
    measured_at: '2026-11-24T07:02:20.607Z',
    cpu: { used_seconds: 1.5, limit_cores: 0.5 },
    memory: { used_bytes: 33_554_432, limit_bytes: 2 ** 30 },
    disk: { used_bytes: 4_096, limit_bytes: 2 ** 31, entries: 1, complete: true },
    processes: 4,
  });
});

test('one that is not live says why there is nothing to tell', async () => {
  const { body } = await api.client.post('/sessions', { template_id: 'python-basic' });
  const starting = await api.client.get(`/sessions/${String(body['id'])}/metrics`);
  expect(starting).toMatchObject({ status: 409, body: { code: 'SessionNotReady' } });
  expect(starting.headers.get('retry-after')).toBe('1');

  const id = await api.runningSession();
  api.executors.silence(String(api.sandbox(id).status?.podUID));
  const silent = await api.client.get(`/sessions/${id}/metrics`);
  expect(silent).toMatchObject({ status: 503, body: { code: 'SandboxUnreachable' } });

  api.reportSession(id, { phase: 'Terminated', terminatedAt: '2026-11-24T07:05:00Z' });
  const ended = await api.client.get(`/sessions/${id}/metrics`);
  expect(ended).toMatchObject({ status: 409, body: { code: 'SessionNotActive' } });
  expect((await api.client.get('/sessions/unknown/metrics')).status).toBe(404);
});
