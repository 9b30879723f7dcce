import { RestApi } from '../test/fakes/rest-api.ts';
import { ForbiddenError, UnavailableError } from '../kube/errors.ts';

let api: RestApi;
beforeAll(async () => {
  api = await RestApi.start();
});
afterAll(() => api.stop());
afterEach(() => {
  api.cluster.failWith(undefined);
});

test('case 1: health is healthy, with version and uptime', async () => {
  const { status, body } = await api.client.get('/health');
  expect({ status, body }).toEqual({
    status: 200,
    body: { status: 'healthy', version: '1.2.3', uptime: expect.any(Number) },
  });
});

test('case 2: health stays 200 while the Kubernetes API is down', async () => {
  api.cluster.failWith(new UnavailableError({ code: 0, reason: 'NoAnswer', message: 'refused' }));
  expect((await api.client.get('/health')).status).toBe(200);
});

test('case 3: detailed health tells each dependency apart and does not invent any', async () => {
  const { body } = await api.client.get('/health/detailed');
  expect(body).toMatchObject({
    status: 'healthy',
    dependencies: {
      database: 'not_configured',
      storage: 'not_configured',
      runtime_nodes: 'healthy',
    },
  });
  api.cluster.failWith(new ForbiddenError({ code: 403, reason: 'Forbidden', message: 'no' }));
  const { status, body: degraded } = await api.client.get('/health/detailed');
  expect(status).toBe(200);
  expect(degraded).toMatchObject({
    status: 'degraded',
    dependencies: { runtime_nodes: 'unhealthy' },
  });
});

test('case 4: a state sync counts the sessions as they stand', async () => {
  await api.runningSession();
  const failed = await api.runningSession();
  api.reportSession(failed, { phase: 'Failed', reason: 'ImagePullFailed' });
  const replaced = await api.runningSession();
  api.reportSession(replaced, { phase: 'Recovering', reason: 'Recovering', restarts: 1 });
  const ended = await api.runningSession();
  api.reportSession(ended, { phase: 'Terminated', terminatedAt: '2026-11-24T07:03:00Z' });
  const { status, body } = await api.client.post('/health/sync');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    status: 'success',
    result: { checked: 3, healthy: 1, unhealthy: 2, recovered: 1, failed: 1, errors: [] },
  });
});

test('case 5: the root says what this is and where to read on', async () => {
  const { status, body } = await api.client.get('//');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    version: '1.2.3',
    status: 'operational',
    features: expect.arrayContaining(['session_management', 'code_execution']),
    documentation: { swagger: '/docs', openapi: '/openapi.json' },
  });
});
