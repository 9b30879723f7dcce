import { Gauge, Registry } from 'prom-client';
import { RestApi, waitUntil } from '../test/fakes/rest-api.ts';
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
      database: 'disabled',
      storage: 'disabled',
      kubernetes_api: 'healthy',
      runtime_nodes: 'healthy',
    },
  });
  api.cluster.failWith(new ForbiddenError({ code: 403, reason: 'Forbidden', message: 'no' }));
  const { status, body: degraded } = await api.client.get('/health/detailed');
  expect(status).toBe(200);
  expect(degraded).toMatchObject({
    status: 'degraded',
    dependencies: { kubernetes_api: 'unhealthy' },
  });
});

test('a node is healthy as long as one of the executors asked on it answers', async () => {
  const probed = await RestApi.start();
  const nodes = async (): Promise<unknown> =>
    (await probed.client.get('/health/detailed')).body['dependencies'];
  const [first, second] = [await probed.runningSession(), await probed.runningSession()];
  const podUID = (id: string): string => String(probed.sandbox(id).status?.podUID);
  probed.executors.silence(podUID(first));
  expect(await nodes()).toMatchObject({ runtime_nodes: 'healthy' });
  probed.executors.silence(podUID(second));
  expect(await nodes()).toMatchObject({ runtime_nodes: 'unhealthy' });
  await probed.stop();
});

test('what an installation has beside it is probed too, for a bounded time', async () => {
  const storage = (signal: AbortSignal): Promise<never> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', reject);
    });
  const probed = await RestApi.start({ probes: { database: () => Promise.resolve(), storage } });
  const answer = probed.client.get('/health/detailed');
  await waitUntil(() => probed.clock.pending === 1);
  probed.clock.advance(2_000);
  expect((await answer).body).toMatchObject({
    status: 'degraded',
    dependencies: { database: 'healthy', storage: 'unhealthy', kubernetes_api: 'healthy' },
  });
  await probed.stop();
});

test('runtimes tell which templates and sessions each has', async () => {
  await api.addTemplate('node', { runtime: 'nodejs20' });
  const { body } = await api.client.get('/runtimes');
  const empty = { status: 'unavailable', templates: [], sessions: { creating: 0, running: 0 } };
  expect(body['items']).toMatchObject([
    { runtime_type: 'python3.11', status: 'available', templates: ['python-basic'] },
    { runtime_type: 'nodejs20', status: 'available', templates: ['node'] },
    { runtime_type: 'java17', ...empty },
    { runtime_type: 'go1.21', ...empty },
  ]);
});

test('metrics are text for Prometheus', async () => {
  const metrics = new Registry();
  new Gauge({ name: 'sandbox_sessions_active', help: 'h', registers: [metrics] }).set(3);
  const measured = await RestApi.start({ metrics });
  const { headers, text } = await measured.client.get('//metrics');
  expect(headers.get('content-type')).toMatch('text/plain');
  expect(text).toMatch(/^sandbox_sessions_active 3$/m);
  await measured.stop();
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
