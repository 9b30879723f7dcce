import { SANDBOXES } from '../crds/sandbox.ts';
import { PODS } from '../kube/pod.ts';
import { RestApi } from '../test/fakes/rest-api.ts';
import { Executors } from './executor-of.ts';

const ADDRESS = { kind: 'tcp', host: '10.0.0.1', port: 8080 } as const;
const { signal } = new AbortController();

let api: RestApi;
let executors: Executors;
beforeEach(async () => {
  api = await RestApi.start();
  executors = new Executors({ client: api.cluster, pods: api.pods, addressOf: () => ADDRESS });
});
afterEach(() => api.stop());

test('a running session is reached at the pod that its status names', async () => {
  const id = await api.runningSession();
  const podUID = api.sandbox(id).status?.podUID;
  expect(await executors.require(api.sandbox(id), signal)).toEqual({ podUID, address: ADDRESS });
  expect(api.cluster.calls.filter(({ kind }) => kind === 'Pod')).toEqual([]);
});

test('a pod that the cache has not seen yet is asked for', async () => {
  api.pods.hold();
  const id = await api.runningSession();
  const podUID = api.sandbox(id).status?.podUID;
  expect(await executors.require(api.sandbox(id), signal)).toEqual({ podUID, address: ADDRESS });
});

test.each([
  ['Pending', 'SessionNotReady'],
  ['Recovering', 'SessionNotReady'],
  ['Terminating', 'SessionNotActive'],
  ['Terminated', 'SessionNotActive'],
  ['Failed', 'SessionNotActive'],
] as const)('a session that is %s has none: %s', async (phase, code) => {
  const id = await api.runningSession();
  api.reportSession(id, { ...api.sandbox(id).status, phase });
  await expect(executors.require(api.sandbox(id), signal)).rejects.toMatchObject({ code });
});

test('a pod that is gone, has no address or belongs to another is no executor of the session', async () => {
  const id = await api.runningSession();
  const sandbox = api.sandbox(id);
  const nowhere = new Executors({
    client: api.cluster,
    pods: api.pods,
    addressOf: () => undefined,
  });
  expect(await nowhere.of(sandbox, signal)).toEqual({ state: 'starting' });

  const other = api.sandbox(await api.runningSession());
  const stranger = { ...sandbox, status: other.status };
  expect(await executors.of(stranger as typeof sandbox, signal)).toEqual({ state: 'starting' });

  api.cluster.remove(PODS, { namespace: 'default', name: String(sandbox.status?.podName) });
  expect(await executors.of(sandbox, signal)).toEqual({ state: 'starting' });
  expect(api.cluster.all(SANDBOXES)).toHaveLength(2);
});
