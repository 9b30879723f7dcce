import { createSession, endSessions, tidyUp } from '../fixtures.ts';
import { API_KEY, call, get, post } from '../target.ts';

afterEach(endSessions);
afterAll(tidyUp);

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

test('1. health says healthy, with version and uptime', async () => {
  const { status, body } = await get('/health');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    status: 'healthy',
    version: expect.any(String),
    uptime: expect.any(Number),
  });
});

test('2. health stays 200 while sessions come and go', async () => {
  const comeAndGo = async (): Promise<void> => {
    const { body } = await createSession();
    await post(`/sessions/${String(body['id'])}/terminate`);
  };
  const looks = Array.from({ length: 10 }, () => get('/health'));
  const [answers] = await Promise.all([Promise.all(looks), comeAndGo(), comeAndGo()]);
  expect(answers.map(({ status }) => status)).toEqual(looks.map(() => 200));
});

test('3. detailed health names database, storage and runtime nodes', async () => {
  const { status, body } = await get('/health/detailed');
  expect(status).toBe(200);
  expect(Object.keys(Object(body['dependencies']))).toEqual(
    expect.arrayContaining(['database', 'storage', 'runtime_nodes']),
  );
});

test('4. a state sync says how many it checked', async () => {
  const { status, body } = await post('/health/sync');
  expect(status).toBe(200);
  expect(body).toMatchObject({ status: 'success', result: { checked: expect.any(Number) } });
});

test('5. the root says what this is', async () => {
  const { status, body } = await get('//');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    name: expect.any(String),
    version: expect.any(String),
    status: expect.any(String),
    features: expect.any(Array),
    documentation: expect.any(Object),
  });
});

test.each([['/health'], ['/sessions/unknown'], ['/sessions?limit=abc']])(
  '6. %s has a request id of its own and a process time',
  async (path) => {
    const [first, second] = [await get(path), await get(path)];
    expect(first.headers.get('x-request-id')).toMatch(UUID);
    expect(first.headers.get('x-process-time')).toMatch(/^\d+\.\d{3}$/);
    expect(second.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'));
  },
);

test('7. an unknown path is 404, a wrong verb 405', async () => {
  expect((await get('/nothing/here')).status).toBe(404);
  expect((await call('PATCH', '/health')).status).toBe(405);
});

test('8. the document and its page are served', async () => {
  const { status, body } = await get('//openapi.json');
  expect(status).toBe(200);
  expect(body['openapi']).toMatch(/^3\.1\./);
  expect((await get('//docs')).status).toBe(200);
});

describe('internal callbacks, which do not exist here', () => {
  test.each([
    ['152. /internal/containers/ready', '/internal/containers/ready', { container_id: 'unknown' }],
    [
      '152. /internal/sessions/unknown/container_ready',
      '/internal/sessions/unknown/container_ready',
      { container_id: 'unknown' },
    ],
    [
      '153. /internal/containers/exited',
      '/internal/containers/exited',
      { container_id: 'unknown', exit_code: 0 },
    ],
    [
      '154. /internal/executions/unknown/result',
      '/internal/executions/unknown/result',
      { status: 'success', exit_code: 0, execution_time: 1 },
    ],
    ['155. /internal/executions/unknown/heartbeat', '/internal/executions/unknown/heartbeat', {}],
  ])('%s is 404 to those who may call', async (_title, path, body) => {
    expect((await post(path, body)).status).toBe(404);
  });

  test('156. a stranger is told 401 where there is authentication', async () => {
    const expected = API_KEY === '' ? 404 : 401;
    const path = '/internal/containers/ready';
    expect((await post(path, {}, { anonymous: true })).status).toBe(expected);
    const headers = { authorization: 'Bearer wrong' };
    expect((await post(path, {}, { anonymous: true, headers })).status).toBe(expected);
  });

  test('174. nobody can forge the result of an execution', async () => {
    const forged = { status: 'success', exit_code: 0, execution_time: 1, stdout: 'forged' };
    const { status } = await post('/internal/executions/any/result', forged, { anonymous: true });
    expect(status).toBe(API_KEY === '' ? 404 : 401);
  });
});

test('178. the request id of a client is echoed, and stands in the body of an error', async () => {
  const headers = { 'x-request-id': 'conformance-178' };
  const answer = await get('/sessions/unknown', { headers });
  expect(answer.headers.get('x-request-id')).toBe('conformance-178');
  expect(answer.body['request_id']).toBe('conformance-178');
});
