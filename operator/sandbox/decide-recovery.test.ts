import { FINALIZER } from '../../crds/names.ts';
import { anExecution } from '../../test/builders/execution.ts';
import { CREATED_AT } from '../../test/builders/metadata.ts';
import { BORN, policy, SECOND, seen, serving } from '../../test/builders/observed-sandbox.ts';
import { aPodOf, aRunningPodOf, containerIn } from '../../test/builders/pod.ts';
import { aSandbox, readyStatus } from '../../test/builders/sandbox.ts';
import { timestamp } from '../timestamp.ts';
import type { Action } from './act.ts';
import { decide } from './decide.ts';
import type { Observed } from './observe.ts';

function types(actions: readonly Action[]): readonly string[] {
  return actions.map(({ type }) => type);
}

describe('a sandbox that lost its pod', () => {
  const status = readyStatus();
  const sandbox = aSandbox({ status });
  const now = BORN + 10 * SECOND;

  test.each([
    ['deleted', { metadata: { deletionTimestamp: CREATED_AT } }, 'PodFailed'],
    [
      'killed for its memory',
      {
        status: {
          phase: 'Failed',
          ...containerIn({ terminated: { exitCode: 137, reason: 'OOMKilled' } }),
        },
      },
      'OOMKilled',
    ],
    ['evicted', { status: { phase: 'Failed', reason: 'Evicted', message: 'disk' } }, 'Evicted'],
    ['on a lost node', { status: { phase: 'Unknown', reason: 'NodeLost' } }, 'NodeLost'],
    [
      'ended by itself',
      { status: { phase: 'Succeeded', ...containerIn({ terminated: { exitCode: 0 } }) } },
      'PodFailed',
    ],
  ] as const)('recovers: %s', (_what, overrides, reason) => {
    const pod = aRunningPodOf(sandbox, overrides);
    const decision = decide(seen({ sandbox, pod }), policy);
    expect(decision.status).toMatchObject({
      phase: 'Recovering',
      reason,
      restarts: 1,
      lossesInARow: 1,
      lostAt: timestamp(now),
      nextAttemptAt: timestamp(now),
    });
    expect(decision.status?.podUID).toBeUndefined();
    expect(decision.status?.readyAt).toBeUndefined();
    expect(decision.lookAgainMs).toBe(0);
  });

  test('recovers when the pod is simply gone', () => {
    expect(decide(seen({ sandbox }), policy).status).toMatchObject({
      phase: 'Recovering',
      message: 'pod box is gone',
    });
  });

  test('recovers when its executor is silent for too long, not before', () => {
    const silentFor = (ms: number): Observed =>
      serving({ executor: { answeredAt: BORN, silentSince: now - ms } });
    const early = decide(silentFor(policy.silenceMs - 1), policy);
    expect(early.status?.phase).toBe('Running');
    expect(early.lookAgainMs).toBe(1);
    expect(decide(silentFor(policy.silenceMs), policy).status?.phase).toBe('Recovering');
  });

  test('gets a new pod under the next name at once, and what is left of the old one goes', () => {
    const old = aRunningPodOf(sandbox, { status: { phase: 'Failed' } });
    const { status: after } = decide(seen({ sandbox, pod: old }), policy);
    const recovering = aSandbox({ status: after ?? {} });
    const next = decide(seen({ sandbox: recovering, pods: [old] }), policy);
    expect(next.actions).toMatchObject([
      { type: 'createPod', pod: { metadata: { name: 'box-1' } } },
      { type: 'deletePod', pod: { metadata: { name: 'box' } } },
    ]);
  });

  test('does not wait for an old pod that is stuck in its deletion', () => {
    const stuck = aRunningPodOf(sandbox, { metadata: { deletionTimestamp: CREATED_AT } });
    const recovering = aSandbox({ status: { phase: 'Recovering', restarts: 1, lossesInARow: 1 } });
    const { actions } = decide(seen({ sandbox: recovering, pods: [stuck] }), policy);
    expect(types(actions)).toEqual(['createPod']);
  });

  test('pauses ever longer between losses in a row', () => {
    const pauses = [1, 2, 3, 4].map((lossesInARow) => {
      const lost = aSandbox({ status: readyStatus({ lossesInARow }) });
      const { status: after } = decide(seen({ sandbox: lost }), policy);
      return Date.parse(after?.nextAttemptAt ?? '') - now;
    });
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000]);
  });

  test('makes no pod before the pause is over', () => {
    const nextAttemptAt = timestamp(now + 4 * SECOND);
    const recovering = aSandbox({ status: { phase: 'Recovering', restarts: 3, nextAttemptAt } });
    expect(decide(seen({ sandbox: recovering }), policy)).toEqual({
      actions: [],
      lookAgainMs: 4 * SECOND,
    });
  });

  test('fails after five losses in a row', () => {
    const lost = aSandbox({ status: readyStatus({ lossesInARow: 5 }) });
    expect(decide(seen({ sandbox: lost }), policy).status).toMatchObject({
      phase: 'Failed',
      reason: 'PodFailed',
      message: 'pod lost 6 times in a row: pod box is gone',
    });
  });

  test('counts anew after a minute of being ready', () => {
    const lost = aSandbox({ status: readyStatus({ lossesInARow: 5 }) });
    const { status: after } = decide(seen({ sandbox: lost, now: BORN + 60 * SECOND }), policy);
    expect(after).toMatchObject({ phase: 'Recovering', lossesInARow: 1 });
  });

  test('knows of no pod that was ready when it was lost while starting', () => {
    const starting = aSandbox({ status: { phase: 'Pending', podUID: 'uid-pod-box' } });
    const { status: after } = decide(seen({ sandbox: starting }), policy);
    expect(after).toMatchObject({ phase: 'Recovering', restarts: 1 });
    expect(after?.lostAt).toBeUndefined();
  });

  test('has the time of a whole start again', () => {
    const lateLoss = BORN + 1_000 * SECOND;
    const { status: after } = decide(seen({ sandbox, now: lateLoss }), policy);
    const recovering = aSandbox({ status: after ?? {} });
    const pod = aPodOf(recovering, { metadata: { name: 'box-1' } });
    const before = decide(seen({ sandbox: recovering, pod, now: lateLoss + 119_000 }), policy);
    expect(before.status).toMatchObject({ phase: 'Recovering', reason: 'PodPending' });
    const overdue = decide(seen({ sandbox: recovering, pod, now: lateLoss + 120_000 }), policy);
    expect(overdue.status).toMatchObject({ phase: 'Failed', reason: 'StartTimeout' });
  });

  test('ends instead if it was idle for too long anyway', () => {
    const idle = decide(seen({ sandbox, now: BORN + 1_800 * SECOND }), policy);
    expect(idle.status).toMatchObject({ phase: 'Terminated', reason: 'IdleTimeout' });
  });
});

describe('a sandbox that is being deleted', () => {
  const deletionTimestamp = timestamp(BORN + 10 * SECOND);
  const sandbox = aSandbox({ metadata: { deletionTimestamp }, status: readyStatus() });

  test('has its pods and executions deleted', () => {
    const pod = aRunningPodOf(sandbox);
    const { actions, status } = decide(seen({ sandbox, pod, executions: [anExecution()] }), policy);
    expect(types(actions)).toEqual(['deletePod', 'deleteExecution']);
    expect(status).toBeUndefined();
  });

  test('keeps its finalizer until the last of them is gone', () => {
    const pod = aRunningPodOf(sandbox, { metadata: { deletionTimestamp } });
    expect(decide(seen({ sandbox, pod }), policy).actions).toEqual([]);
    expect(decide(seen({ sandbox }), policy).actions).toEqual([{ type: 'removeFinalizer' }]);
  });

  test('says what it waits for if that takes long', () => {
    const pod = aRunningPodOf(sandbox, { metadata: { deletionTimestamp } });
    const { status } = decide(seen({ sandbox, pod, now: BORN + 15 * SECOND }), policy);
    expect(status).toMatchObject({ phase: 'Terminating', reason: 'TerminatedByUser' });
    expect(status?.message).toContain('box');
  });

  test('gets no new pod', () => {
    const bare = aSandbox({ metadata: { deletionTimestamp, finalizers: [FINALIZER.sandbox] } });
    expect(types(decide(seen({ sandbox: bare }), policy).actions)).toEqual(['removeFinalizer']);
  });
});

describe('a sandbox that has ended', () => {
  test.each(['Terminated', 'Failed'] as const)('%s stays so', (phase) => {
    const sandbox = aSandbox({ status: { phase, reason: 'IdleTimeout' } });
    expect(decide(seen({ sandbox }), policy)).toEqual({ actions: [] });
  });
});
