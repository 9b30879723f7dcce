import type { SandboxStatus } from '../../crds/sandbox.ts';
import {
  BORN,
  HOUR,
  policy,
  SECOND,
  seen,
  serving,
  target,
} from '../../test/builders/observed-sandbox.ts';
import { aRunningPodOf } from '../../test/builders/pod.ts';
import { aSandbox, readyStatus } from '../../test/builders/sandbox.ts';
import { decide } from './decide.ts';
import type { Observed, ObservedWorkspace } from './observe.ts';

const NOW = BORN + 10 * SECOND;
const TIME = new Date(BORN + SECOND).toISOString();
const LOST = { lostAt: TIME, lastActivityTime: TIME };

function files(more: Partial<ObservedWorkspace> = {}): ObservedWorkspace {
  return { asked: {}, stored: {}, left: 0, ...more };
}

const looked = { asked: { seen: 'uid-pod-box' }, stored: { seen: 'uid-pod-box' } };

/** A replaced pod whose executor answers, not Ready yet. */
function replaced(
  workspace: ObservedWorkspace | undefined,
  more: Partial<Observed> = {},
): Observed {
  const status: SandboxStatus = { phase: 'Recovering', podName: 'box', restarts: 0, ...LOST };
  const sandbox = aSandbox({ status });
  const pod = aRunningPodOf(sandbox);
  return seen({
    sandbox,
    pod,
    pods: [pod],
    target,
    executor: { answeredAt: NOW },
    workspace,
    ...more,
  });
}

function ended(workspace: ObservedWorkspace | undefined, more: Partial<Observed> = {}): Observed {
  const terminatedAt = new Date(NOW).toISOString();
  const status = readyStatus({ phase: 'Terminated', reason: 'IdleTimeout', terminatedAt });
  return serving({ sandbox: aSandbox({ status }), workspace, ...more });
}

const actionsOf = (observed: Observed): string[] =>
  decide(observed, policy).actions.map((action) =>
    action.type === 'storeWorkspace' ? `store for ${action.cause}` : action.type,
  );
const conditionOf = (observed: Observed, type: string): object | undefined =>
  decide(observed, policy).status?.conditions?.find((condition) => condition.type === type);

describe('the files of a pod that replaces another', () => {
  test.each([
    ['come back before it is ready', replaced(files()), ['restoreWorkspace']],
    [
      'are there once they came',
      replaced(files({ restored: { files: 1, bytes: 2, left: 0 } })),
      ['store for seen'],
    ],
    ['cannot come back where there is no store', replaced(undefined), []],
  ])('%s', (_what, observed, expected) => {
    expect(actionsOf(observed)).toEqual(expected);
  });

  test('keep it waiting for a store that is away, longer than a start may take', () => {
    const late = replaced(files({ failingSince: NOW, problem: 'away' }), { now: BORN + HOUR / 4 });
    const { status } = decide(late, policy);
    expect(status).toMatchObject({
      phase: 'Recovering',
      reason: 'WorkspaceRestoring',
      message: 'its files come back: away',
    });
  });

  test('do not keep an idle one', () => {
    const idle = replaced(files(), { now: BORN + 5 * HOUR });
    expect(decide(idle, policy).status).toMatchObject({
      phase: 'Terminated',
      reason: 'IdleTimeout',
    });
  });
});

describe('the files of a sandbox that serves', () => {
  const changed = aSandbox({
    metadata: { annotations: { 'sandbox.ai/files-changed-at': 'then' } },
    status: readyStatus(),
  });

  test.each([
    ['are compared once by each operator', serving({ workspace: files() }), ['store for seen']],
    ['are not compared again', serving({ workspace: files(looked) }), []],
    [
      'are stored after a client changed them',
      serving({ sandbox: changed, workspace: files(looked) }),
      ['store for files'],
    ],
    [
      'are not asked for twice',
      serving({
        sandbox: changed,
        workspace: files({ ...looked, asked: { ...looked.asked, files: 'then' } }),
      }),
      [],
    ],
    ['stay where they are without a store', serving({ sandbox: changed }), []],
  ])('%s', (_what, observed, expected) => {
    expect(actionsOf(observed)).toEqual(expected);
  });

  test('are none when it becomes ready for the first time', () => {
    const sandbox = aSandbox();
    const pod = aRunningPodOf(sandbox);
    const executor = { answeredAt: NOW };
    const first = seen({ sandbox, pod, pods: [pod], target, executor, workspace: files() });
    expect(actionsOf(first)).toEqual(['adoptWorkspace']);
  });

  test('are told of when they could not be stored for a while, not before', () => {
    const failing = (since: number): Observed =>
      serving({ workspace: files({ ...looked, failingSince: since, problem: 'away' }) });
    expect(conditionOf(failing(NOW - 9 * SECOND), 'WorkspaceStored')).toBeUndefined();
    expect(decide(failing(NOW - 9 * SECOND), policy).lookAgainMs).toBe(SECOND);
    expect(conditionOf(failing(NOW - 10 * SECOND), 'WorkspaceStored')).toMatchObject({
      status: 'False',
      reason: 'StorageUnavailable',
      message: 'away',
    });
  });
});

describe('the files of a sandbox that has ended', () => {
  const done = files({ stored: { end: new Date(NOW).toISOString() } });

  test.each([
    ['are stored before its pod goes', ended(files()), ['store for end']],
    ['let the pod go once they are stored', ended(done), ['deletePod']],
    ['let the pod go after a time', ended(files(), { now: NOW + 60 * SECOND }), ['deletePod']],
    [
      'cannot be had of an executor that is not there',
      ended(files(), { target: undefined }),
      ['deletePod'],
    ],
    ['go with the pod where there is no store', ended(undefined), ['deletePod']],
  ])('%s', (_what, observed, expected) => {
    expect(actionsOf(observed)).toEqual(expected);
  });

  test('are said to be lost, and why', () => {
    const late = ended(files({ failingSince: NOW, problem: 'away' }), { now: NOW + 60 * SECOND });
    expect(conditionOf(late, 'WorkspaceStored')).toMatchObject({
      status: 'False',
      reason: 'StoreTimeout',
      message: 'the last changes were not stored in time: away',
    });
  });
});

describe('the files of a deleted sandbox', () => {
  const metadata = { deletionTimestamp: new Date(NOW).toISOString() };
  const deleted = (workspace: ObservedWorkspace | undefined, status?: SandboxStatus): Observed => {
    const sandbox = aSandbox(status === undefined ? { metadata } : { metadata, status });
    return seen({ sandbox, workspace });
  };

  test.each([
    ['go before it does', deleted(files(), readyStatus()), ['removeStoredFiles']],
    ['are gone', deleted(files({ removal: { isDone: true } }), readyStatus()), ['removeFinalizer']],
    ['never were where it never was ready', deleted(files()), ['removeFinalizer']],
    ['are not kept without a store', deleted(undefined, readyStatus()), ['removeFinalizer']],
  ])('%s', (_what, observed, expected) => {
    expect(actionsOf(observed)).toEqual(expected);
  });
});
