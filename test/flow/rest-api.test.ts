import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { createApp } from '../../api-shim/app.ts';
import { createApiCaches, startCaches, stopCaches, type ApiCaches } from '../../api-shim/caches.ts';
import { listen, type ApiServer } from '../../api-shim/server.ts';
import { EXECUTIONS, type Execution, type ExecutionStatus } from '../../crds/execution.ts';
import { SANDBOXES } from '../../crds/sandbox.ts';
import { systemClock } from '../../kube/clock.ts';
import { createHttpClient, type HttpClient } from '../../kube/http-client.ts';
import { createApiServer } from '../../local/api-server/api-server.ts';
import { kubeconfigFor } from '../../local/api-server/kubeconfig.ts';
import { createMemoryStore } from '../../local/api-server/store.ts';
import { FakeExecutors } from '../fakes/executor.ts';
import { FakeLogger } from '../fakes/logger.ts';
import { RestClient } from '../fakes/rest-client.ts';

/** The REST API over its real client and caches on the local API server; the test is the operator. */

const NAMESPACE = 'default';
const TEMPLATE = {
  id: 'test_template_python',
  name: 'Python',
  image_url: 'python:latest',
  runtime_type: 'python3.11',
  default_env_vars: { A: 'b' },
};
const HELLO = { code: 'def handler(event):\n    return 1', language: 'python' };

let cluster: ReturnType<typeof createApiServer>;
let client: HttpClient;
let caches: ApiCaches;
let server: ApiServer;
let rest: RestClient;
const logger = new FakeLogger();

beforeAll(async () => {
  const manifests = path.join(import.meta.dirname, '..', '..', 'crds', 'manifests');
  const crds = readdirSync(manifests).map((file): unknown =>
    parse(readFileSync(path.join(manifests, file), 'utf8')),
  );
  cluster = createApiServer({
    crds,
    store: createMemoryStore(),
    token: 'secret',
    logger,
    clock: systemClock,
  });
  const config = new KubeConfig();
  config.loadFromString(kubeconfigFor(await cluster.listen(0, '127.0.0.1'), 'secret'));
  client = createHttpClient(config);
  caches = createApiCaches({ client, namespace: NAMESPACE, logger });
  await startCaches(caches, new AbortController().signal);
  const app = createApp({
    client,
    logs: client,
    caches,
    executor: new FakeExecutors(systemClock),
    addressOf: () => undefined,
    logger,
    namespace: NAMESPACE,
    version: '1.2.3',
  });
  server = await listen(app, { host: '127.0.0.1', port: 0 });
  rest = await RestClient.connect(server.port);
  expect((await rest.post('/templates', TEMPLATE)).status).toBe(201);
});

afterAll(async () => {
  await server.close(0);
  await stopCaches(caches);
  await client.close();
  await cluster.close();
});

async function newSession(body: object = {}): Promise<string> {
  const answer = await rest.post('/sessions', { template_id: TEMPLATE.id, ...body });
  expect(answer.status).toBe(201);
  return String(answer.body['id']);
}

/** Resolves with the first execution that the cache shows after this call. */
function nextExecution(): Promise<Execution> {
  return new Promise((resolve) => {
    const stop = caches.executions.subscribe(({ type, object }) => {
      if (type !== 'added') return;
      stop();
      resolve(object);
    });
  });
}

/** As the operator does it: a merge patch would lose the nulls inside a return value. */
async function finish({ metadata }: Execution, status: ExecutionStatus): Promise<void> {
  const ref = { namespace: NAMESPACE, name: metadata.name };
  const body = [{ op: 'add', path: '/status', value: status }];
  await client.patch(EXECUTIONS, ref, { kind: 'json', body }, { subresource: 'status' });
}

test('what is written is read at once, over and over, through real watches', async () => {
  for (let n = 0; n < 20; n += 1) {
    const id = await newSession({ env_vars: { N: String(n) } });
    expect((await rest.get(`/sessions/${id}`)).body).toMatchObject({
      id,
      status: 'creating',
      env_vars: { N: String(n) },
    });
    expect((await rest.get('/sessions?limit=1')).body).toMatchObject({ items: [{ id }] });
    const submitted = await rest.post(`/sessions/${id}/execute`, HELLO);
    expect(submitted.status).toBe(201);
    const execution = String(submitted.body['execution_id']);
    expect((await rest.get(`/executions/${execution}/status`)).body).toMatchObject({
      status: 'pending',
      session_id: id,
    });
    expect((await rest.get(`/sessions/${id}/executions`)).body).toMatchObject({
      total: 1,
      items: [{ id: execution }],
    });
    expect((await rest.delete(`/sessions/${id}`)).status).toBe(204);
    expect((await rest.get(`/sessions/${id}`)).status).toBe(404);
    expect((await rest.get(`/executions/${execution}`)).status).toBe(404);
  }
});

test('what REST accepts, the schemas of the kinds accept: bounds and all', async () => {
  const env = Object.fromEntries(
    Array.from({ length: 64 }, (_, n) => [`V${String(n)}`, 'é'.repeat(400)]),
  );
  const id = await newSession({
    id: 'Ünusual id: 😀',
    cpu: '0.125',
    memory: '64Gi',
    disk: '1Mi',
    timeout: 3600,
    env_vars: env,
  });
  const largest = {
    code: 'é'.repeat(102_400),
    language: 'shell',
    timeout: 3600,
    event: { a: ['x'.repeat(262_000), null, 1.5], none: null },
    env_vars: env,
  };
  const seen = nextExecution();
  const { status, body } = await rest.post(`/sessions/${encodeURIComponent(id)}/execute`, largest);
  expect(status).toBe(201);
  expect((await seen).spec.event).toEqual(largest.event);
  const { body: read } = await rest.get(`/executions/${String(body['execution_id'])}`);
  expect(read).toMatchObject({ session_id: id, code: largest.code, timeout: 3600 });
});

test('execute-sync is woken by the watch and brings what the handler returned, nulls included', async () => {
  const id = await newSession();
  const seen = nextExecution();
  const answer = rest.post(`/sessions/${id}/execute-sync?sync_timeout=30`, HELLO);
  await finish(await seen, {
    phase: 'Completed',
    reason: 'Completed',
    exitCode: 0,
    returnValue: { zero: 0, none: null, list: [] },
    metrics: { durationMs: 3.5, cpuTimeMs: 2, peakMemoryBytes: 1024 },
    startedAt: '2026-11-24T07:02:21.000Z',
    finishedAt: '2026-11-24T07:02:21.004Z',
  });
  const { status, body } = await answer;
  expect(status).toBe(200);
  expect(body).toMatchObject({ status: 'completed', exit_code: 0, execution_time: 0.0035 });
  expect(body['return_value']).toEqual({ zero: 0, none: null, list: [] });
});

test('a session that is deleted while it is waited for tells the waiter at once', async () => {
  const id = await newSession();
  const seen = nextExecution();
  const answer = rest.post(`/sessions/${id}/execute-sync`, HELLO);
  await seen;
  expect((await rest.delete(`/sessions/${id}`)).status).toBe(204);
  expect(await answer).toMatchObject({ status: 404, body: { code: 'SessionDeleted' } });
});

test('an id is free again after delete as soon as the finalizer lets go', async () => {
  const id = await newSession({ id: 'again' });
  await rest.delete(`/sessions/${id}`);
  const second = rest.post('/sessions', { template_id: TEMPLATE.id, id });
  const release = { kind: 'merge', body: { metadata: { finalizers: null } } } as const;
  await client.patch(SANDBOXES, { namespace: NAMESPACE, name: 'again' }, release);
  expect((await second).status).toBe(201);
  expect((await rest.post('/sessions', { template_id: TEMPLATE.id, id })).body['code']).toBe(
    'SessionExists',
  );
});

test('terminate takes effect at once and cannot be taken back', async () => {
  const id = await newSession({ id: 'ends' });
  const status = {
    phase: 'Terminated',
    reason: 'TerminatedByUser',
    terminatedAt: '2026-11-24T07:03:00Z',
  } as const;
  const ref = { namespace: NAMESPACE, name: id };
  const stop = caches.sandboxes.subscribe(({ object }) => {
    if (
      object.metadata.name !== id ||
      object.spec.desiredState !== 'Terminated' ||
      object.status?.phase !== undefined
    )
      return;
    void client.patch(
      SANDBOXES,
      ref,
      { kind: 'merge', body: { status } },
      { subresource: 'status' },
    );
  });
  expect(await rest.post(`/sessions/${id}/terminate`)).toMatchObject({
    status: 200,
    body: {
      status: 'terminated',
      reason: 'TerminatedByUser',
      completed_at: '2026-11-24T07:03:00Z',
    },
  });
  stop();
  expect((await rest.post(`/sessions/${id}/execute`, HELLO)).status).toBe(409);
});

test('a template can be changed and deleted, and is read as it was left', async () => {
  await rest.post('/templates', { ...TEMPLATE, id: 'other', name: 'Other' });
  expect(
    (await rest.put('/templates/other', { default_cpu_cores: 0.25, default_env_vars: { C: 'd' } }))
      .status,
  ).toBe(200);
  expect((await rest.get('/templates/other')).body).toMatchObject({
    default_cpu_cores: 0.25,
    default_env_vars: { C: 'd' },
  });
  expect((await rest.delete('/templates/other')).status).toBe(200);
  expect((await rest.get('/templates/other')).status).toBe(404);
});

test('the cluster going away is 503 for what needs it and nothing else', async () => {
  const known = await newSession({ id: 'known' });
  await cluster.close();
  expect((await rest.get('/health')).status).toBe(200);
  expect((await rest.get(`/sessions/${known}`)).status).toBe(200);
  const { status, body } = await rest.post('/sessions', { template_id: TEMPLATE.id });
  expect({ status, code: body['code'] }).toEqual({ status: 503, code: 'Unavailable' });
  expect((await rest.get('/health/detailed')).body).toMatchObject({ status: 'degraded' });
});
