import { ConflictError } from '../kube/errors.ts';
import { RestApi } from '../test/fakes/rest-api.ts';

let api: RestApi;
beforeAll(async () => {
  api = await RestApi.start();
});
afterAll(() => api.stop());

const patch = (id: string, body: object) => api.client.send('PATCH', `/sessions/${id}`, { body });

test('timeout and variables change; the other variables stay', async () => {
  const id = await api.runningSession({ env_vars: { A: '1', B: '2' }, timeout: 300 });
  const { status, body } = await patch(id, { timeout: '600', env_vars: { B: '3', C: '4' } });
  expect(status).toBe(200);
  expect(body).toMatchObject({ id, timeout: 600, env_vars: { A: '1', B: '3', C: '4' } });
  expect(api.sandbox(id).spec).toMatchObject({
    timeouts: { idleSeconds: 600 },
    env: [
      { name: 'A', value: '1' },
      { name: 'B', value: '3' },
      { name: 'C', value: '4' },
    ],
  });
});

test('what is as wished costs no write', async () => {
  const id = await api.runningSession({ env_vars: { A: '1' }, cpu: '1', timeout: 300 });
  const before = api.cluster.writes.length;
  const same = { timeout: 300, env_vars: { A: '1' }, cpu: '1000m', resources: { disk: '1024Mi' } };
  for (const body of [{}, { timeout: null, env_vars: null, unknown: 1 }, same])
    expect((await patch(id, body)).status).toBe(200);
  expect(api.cluster.writes).toHaveLength(before);
});

test('a timeout that the template happens to say too is kept, whatever the template says later', async () => {
  const id = await api.runningSession();
  expect((await patch(id, { timeout: 300, on_idle: 'terminate' })).status).toBe(200);
  expect(api.sandbox(id).spec.timeouts).toEqual({ idleSeconds: 300, onIdle: 'Terminate' });
});

test('another size is refused, names what it is about, and leaves all as it is', async () => {
  const id = await api.runningSession({ timeout: 300 });
  const { status, body } = await patch(id, { timeout: 60, cpu: '2', resources: { disk: '2Gi' } });
  expect(status).toBe(409);
  expect(body).toMatchObject({
    code: 'NotChangeable',
    message: `Session ${id} cannot change in place: cpu, disk`,
  });
  expect(api.sandbox(id).spec.timeouts.idleSeconds).toBe(300);
});

test.each([
  [{ timeout: 0 }, 422],
  [{ env_vars: { 'no-name': 'x' } }, 422],
  [{ env_vars: { A: 1 } }, 422],
  [{ cpu: 'abc' }, 422],
  [{ memory: '1G' }, 400],
  [[], 422],
])('%j is refused', async (body, status) => {
  expect((await patch(await api.runningSession(), body)).status).toBe(status);
});

test('the bound of variables holds for all together', async () => {
  const many = (prefix: string): object =>
    Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`${prefix}${String(n)}`, 'x']));
  const id = await api.runningSession({ env_vars: many('A') });
  const { status, body } = await patch(id, { env_vars: many('B') });
  expect(status).toBe(422);
  expect(body['detail']).toMatchObject([{ loc: ['body', 'env_vars'] }]);
});

test('a session that has ended or is none does not change', async () => {
  const id = await api.runningSession();
  api.reportSession(id, { phase: 'Terminated', terminatedAt: '2026-11-24T07:05:00Z' });
  expect((await patch(id, { timeout: 60 })).body['code']).toBe('SessionNotActive');
  expect((await patch('unknown', { timeout: 60 })).status).toBe(404);
});

test('of two changes at once none is lost', async () => {
  const id = await api.runningSession();
  const conflict = new ConflictError({ code: 409, reason: 'Conflict', message: 'internal: newer' });
  api.cluster.failOnce('patch', conflict);
  expect((await patch(id, { env_vars: { A: '1' } })).status).toBe(200);
  expect(api.sandbox(id).spec.env).toEqual([{ name: 'A', value: '1' }]);
});
