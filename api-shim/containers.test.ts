import { PODS, type PodStatus } from '../kube/pod.ts';
import { RestApi } from '../test/fakes/rest-api.ts';

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

test('what is no name of a pod is refused', async () => {
  expect((await api.client.get('/containers/Not%20a%20name')).status).toBe(422);
});
