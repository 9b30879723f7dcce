import { KubeError, NotFoundError } from '../kube/errors.ts';
import { PODS, type PodStatus } from '../kube/pod.ts';
import { RestApi, waitUntil } from '../test/fakes/rest-api.ts';

let api: RestApi;
let session: string;
let id: string;
beforeEach(async () => {
  api = await RestApi.start();
  session = String(
    (await api.client.post('/sessions', { template_id: 'python-basic', id: 's' })).body['id'],
  );
  id = api.becomesReady(session).metadata.name;
});
afterEach(() => api.stop());

const report = (status: PodStatus): unknown => api.cluster.setStatus(PODS, id, status);
const container = { name: 'sandbox', ready: true, restartCount: 0 };

test('the container of a session is found by the id that the session names', async () => {
  const { body: seen } = await api.client.get(`/sessions/${session}`);
  expect(seen['container_id']).toBe(id);
  const state = { running: { startedAt: '2026-11-24T07:02:10.607Z' } };
  report({
    phase: 'Running',
    containerStatuses: [{ ...container, state, containerID: 'containerd://abc' }],
  });
  expect((await api.client.get(`/containers/${id}`)).body).toMatchObject({
    container_id: id,
    pod_name: id,
    session_id: session,
    template_id: 'python-basic',
    runtime_type: 'kubernetes',
    status: 'running',
    node_name: 'node-1',
    image: 'python-basic:latest',
    uptime_seconds: 10,
  });
});

test.each<[PodStatus, object]>([
  [{ phase: 'Pending' }, { status: 'creating', reason: null }],
  [
    {
      phase: 'Pending',
      containerStatuses: [{ ...container, state: { waiting: { reason: 'ErrImagePull' } } }],
    },
    { status: 'creating', reason: 'ErrImagePull' },
  ],
  [
    {
      phase: 'Failed',
      containerStatuses: [
        {
          ...container,
          containerID: 'docker://x',
          state: { terminated: { exitCode: 137, reason: 'OOMKilled' } },
        },
      ],
    },
    { status: 'exited', reason: 'OOMKilled', exit_code: 137, runtime_type: 'docker' },
  ],
  [
    { phase: 'Failed', reason: 'Evicted' },
    { status: 'exited', reason: 'Evicted' },
  ],
])('a pod that is %j', async (status, expected) => {
  report(status);
  expect((await api.client.get(`/containers/${id}`)).body).toMatchObject(expected);
});

test('containers are listed by page, status and session; those of nobody are not', async () => {
  api.cluster.add(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'stranger', namespace: 'default' },
    spec: { containers: [] },
  });
  api.clock.advance(5_000);
  const second = await api.runningSession();
  const list = async (query: string): Promise<unknown> =>
    (await api.client.get(`/containers${query}`)).body;
  expect(await list('')).toMatchObject({
    total: 2,
    items: [{ session_id: second }, { session_id: 's' }],
  });
  expect(await list('?limit=1&offset=1')).toMatchObject({ total: 2, items: [{ session_id: 's' }] });
  expect(await list('?session_id=s')).toMatchObject({ total: 1, items: [{ container_id: id }] });
  expect(await list('?status=exited')).toMatchObject({ total: 0, items: [] });
  expect((await api.client.get('/containers/stranger')).body['code']).toBe('ContainerNotFound');
});

describe('the log', () => {
  const path = (query = ''): string => `/containers/${id}/logs${query}`;

  test('comes as text, the last hundred lines of it', async () => {
    api.logs.pieces = ['one\n', 'two\n'];
    const { status, headers, text } = await api.client.get(path());
    expect({ status, text }).toEqual({ status: 200, text: 'one\ntwo\n' });
    expect(headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(api.logs.asked).toEqual([
      {
        namespace: 'default',
        name: id,
        tailLines: 100,
        follow: false,
        timestamps: false,
        limitBytes: 8_388_608,
      },
    ]);
  });

  test.each([
    ['?tail=5&timestamps=true', { tailLines: 5, timestamps: true }],
    ['?since=60', { sinceTime: '2026-11-24T07:01:20.607Z' }],
    ['?since=2026-11-24T07:00:00Z', { sinceTime: '2026-11-24T07:00:00Z' }],
  ])('is asked for as wished: %s', async (query, expected) => {
    expect((await api.client.get(path(query))).status).toBe(200);
    expect(api.logs.asked).toMatchObject([expected]);
  });

  test('can be followed, until the client leaves', async () => {
    api.logs.pieces = ['one\n'];
    const gone = new AbortController();
    const url = `http://127.0.0.1:${String(api.port)}/api/v1${path('?follow=true')}`;
    const { body } = await fetch(url, { signal: gone.signal });
    const first = await body?.getReader().read();
    expect(Buffer.from(first?.value ?? []).toString()).toBe('one\n');
    await waitUntil(() => api.logs.followers === 1);
    gone.abort();
    await waitUntil(() => api.logs.followers === 0);
  });

  test('that is not there is told apart from a container that is not', async () => {
    const status = { code: 400, reason: 'BadRequest', message: 'internal: waiting to start' };
    api.logs.failure = new KubeError(status);
    expect(await api.client.get(path())).toMatchObject({ status: 409, body: { code: 'NoLog' } });
    api.logs.failure = new NotFoundError({ code: 404, reason: 'NotFound', message: 'internal' });
    expect((await api.client.get(path())).body['code']).toBe('ContainerNotFound');
    expect((await api.client.get('/containers/unknown/logs')).status).toBe(404);
  });

  test.each(['?tail=-1', '?tail=10001', '?since=yesterday', '?since=-5', '?follow=maybe'])(
    'is not asked for with %s',
    async (query) => {
      expect((await api.client.get(path(query))).status).toBe(422);
    },
  );
});

test('what is no name of a pod is refused', async () => {
  expect((await api.client.get('/containers/Not%20a%20name')).status).toBe(422);
});
