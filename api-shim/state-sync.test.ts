import { PODS } from '../kube/pod.ts';
import type { StoredWorkspaces } from '../storage/workspaces/stored-workspaces.ts';
import { anExecution } from '../test/builders/execution.ts';
import { aPodOf } from '../test/builders/pod.ts';
import { aSandbox } from '../test/builders/sandbox.ts';
import type { FailingStore } from '../test/fakes/failing-store.ts';
import { RestApi, waitUntil } from '../test/fakes/rest-api.ts';
import { temporaryFiles } from '../test/fakes/temporary-files.ts';
import { liveDifferences, rowDifferences } from './differences.ts';

const NOTHING = { found: 0, repaired: 0 };

describe('POST /health/sync', () => {
  let api: RestApi;
  let store: FailingStore;
  let stored: StoredWorkspaces;
  let removeFiles: () => void;

  beforeEach(async () => {
    ({ store, stored, removeFiles } = temporaryFiles());
    api = await RestApi.start({ stored });
  });

  afterEach(async () => {
    await api.stop();
    removeFiles();
  });

  async function resultOf(answer: Promise<{ body: Record<string, unknown> }>) {
    return (await answer).body['result'] as Record<string, unknown>;
  }

  it('answers at once where nothing is out of step', async () => {
    await api.runningSession();
    expect(await resultOf(api.client.post('/health/sync'))).toEqual({
      checked: 1,
      healthy: 1,
      unhealthy: 0,
      recovered: 0,
      failed: 0,
      errors: [],
      differences: {
        pods_without_session: NOTHING,
        sessions_without_pod: NOTHING,
        executions_without_session: NOTHING,
        executions_without_executor: NOTHING,
        workspaces_without_session: NOTHING,
      },
    });
  });

  it('tells what was out of step, and what of it the operator repaired meanwhile', async () => {
    const repaired = await api.runningSession();
    const lost = await api.runningSession();
    for (const id of [repaired, lost])
      await api.cluster.delete(PODS, { namespace: 'default', name: `pod-${id}` });
    const labels = { 'sandbox.ai/sandbox': 'nobody' };
    const { metadata, ...pod } = aPodOf(aSandbox());
    api.cluster.add(PODS, {
      ...pod,
      metadata: { ...metadata, name: 'orphan', labels, ownerReferences: [] },
    });
    await stored.register.addOrphan('uid-gone');
    const answer = resultOf(api.client.post('/health/sync'));
    await waitUntil(() => api.clock.pending === 1);
    api.becomesReady(repaired);
    api.clock.advance(2_000);
    expect(await answer).toMatchObject({
      differences: {
        pods_without_session: { found: 1, repaired: 0 },
        sessions_without_pod: { found: 2, repaired: 1 },
        workspaces_without_session: { found: 1, repaired: 0 },
      },
    });
  });

  it('says what could not be looked at', async () => {
    store.fails = true;
    expect(await resultOf(api.client.post('/health/sync'))).toMatchObject({
      errors: ['the object store does not answer, so files were not looked for'],
      differences: { sessions_without_pod: NOTHING },
    });
  });
});

describe('objects that do not fit together', () => {
  const box = aSandbox({ status: { phase: 'Running', podUID: 'uid-pod-box' } });
  const run = anExecution({ status: { phase: 'Running', podUID: 'uid-pod-box' } });
  const whole = {
    sandboxes: [box],
    templates: [],
    executions: [run],
    pods: [aPodOf(box)],
  };
  const pods = [{ ...aPodOf(box), status: { phase: 'Failed' } as const }];
  const finished = anExecution({ status: { ...run.status, phase: 'Completed' } });
  const ended = aSandbox({ status: { ...box.status, phase: 'Terminated' } });

  test.each<[string, Partial<typeof whole>, object]>([
    ['none', {}, {}],
    ['a session whose pod is gone, and its run', { pods: [] }, { sessions: 1, executors: 1 }],
    ['a session whose pod has failed, and its run', { pods }, { sessions: 1, executors: 1 }],
    ['not what is over', { pods: [], sandboxes: [ended], executions: [finished] }, {}],
    ['a run without its session', { sandboxes: [], pods: [] }, { orphans: 1 }],
    ['a pod without its session', { sandboxes: [], executions: [] }, { pods: 1 }],
  ])('%s', (_, change, expected) => {
    const found = liveDifferences({ ...whole, ...change });
    expect({
      pods: found.pods_without_session?.size,
      sessions: found.sessions_without_pod?.size,
      orphans: found.executions_without_session?.size,
      executors: found.executions_without_executor?.size,
    }).toEqual({ pods: 0, sessions: 0, orphans: 0, executors: 0, ...expected });
  });

  test('rows are compared with what did not change while they were read', () => {
    const at = (name: string, resourceVersion: string) =>
      aSandbox({ metadata: { name, uid: name, resourceVersion } });
    const before = [at('same', '1'), at('behind', '2'), at('none', '1'), at('moved', '1')];
    const after = [...before.slice(0, 3), at('moved', '2'), at('new', '1')];
    const row = (uid: string, resourceVersion = '1') => ({ uid, resourceVersion });
    const rows = [row('same'), row('behind'), row('moved'), row('gone')];
    expect(rowDifferences({ before, after }, rows)).toEqual({
      objects_without_row: new Set(['none']),
      rows_behind: new Set(['behind 2']),
      rows_without_object: new Set(['gone']),
    });
  });
});
