import { FINALIZER } from '../../crds/names.ts';
import type { SandboxStatus } from '../../crds/sandbox.ts';
import { anExecution } from '../../test/builders/execution.ts';
import { CREATED_AT } from '../../test/builders/metadata.ts';
import { aPodOf, aRunningPodOf, containerIn } from '../../test/builders/pod.ts';
import { aSandbox, readyStatus } from '../../test/builders/sandbox.ts';
import { aTemplate } from '../../test/builders/sandbox-template.ts';
import { DEFAULT_SETTINGS } from '../settings.ts';
import { timestamp } from '../timestamp.ts';
import type { Action } from './act.ts';
import { decide } from './decide.ts';
import type { Policy } from './decide.ts';
import type { Observed } from './observe.ts';

const BORN = Date.parse(CREATED_AT);
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const policy: Policy = {
  ...DEFAULT_SETTINGS,
  pod: { executorPublicKey: 'cHVibGlj', executorListen: 'tcp://0.0.0.0:8080' },
};
const target = {
  podUID: 'uid-pod-box',
  address: { kind: 'tcp', host: '10.0.0.1', port: 8080 },
} as const;

/** A new sandbox without a pod, ten seconds after its creation. */
function seen(overrides: Partial<Observed> = {}): Observed {
  const { pod } = overrides;
  return {
    sandbox: aSandbox(),
    template: aTemplate(),
    pods: pod === undefined ? [] : [pod],
    pod: undefined,
    target: undefined,
    executor: {},
    executions: [],
    learned: undefined,
    now: BORN + 10 * SECOND,
    ...overrides,
  };
}

/** A sandbox that has served since its creation. */
function serving(overrides: Partial<Observed> = {}, status: Partial<SandboxStatus> = {}): Observed {
  const sandbox = overrides.sandbox ?? aSandbox({ status: readyStatus(status) });
  const pod = aRunningPodOf(sandbox);
  const now = overrides.now ?? BORN + 10 * SECOND;
  return seen({ sandbox, pod, pods: [pod], target, executor: { answeredAt: now }, ...overrides });
}

function types(actions: readonly Action[]): readonly string[] {
  return actions.map(({ type }) => type);
}

describe('a sandbox that is to run', () => {
  test('gets its pod', () => {
    const { actions } = decide(seen(), policy);
    expect(actions).toMatchObject([{ type: 'createPod', pod: { metadata: { name: 'box' } } }]);
  });

  test('gets the finalizer before its pod', () => {
    const sandbox = aSandbox({ metadata: { finalizers: [] } });
    expect(types(decide(seen({ sandbox }), policy).actions)).toEqual(['addFinalizer', 'createPod']);
  });

  test('is reported as Pending only once the start takes longer than most do', () => {
    const pod = aPodOf(aSandbox());
    expect(decide(seen({ pod, now: BORN + 500 }), policy)).toEqual({
      actions: [],
      lookAgainMs: policy.pendingQuietMs - 500,
    });
    const late = decide(seen({ pod }), policy);
    expect(late.status).toMatchObject({ phase: 'Pending', reason: 'PodPending', podName: 'box' });
    expect(late.lookAgainMs).toBe(110 * SECOND);
  });

  test.each([
    [
      'why its image cannot be pulled',
      { phase: 'Pending', ...containerIn({ waiting: { reason: 'ErrImagePull', message: 'no' } }) },
      { phase: 'Pending', reason: 'ImagePullFailed', message: 'no' },
    ],
    [
      'that no node fits',
      {
        phase: 'Pending',
        conditions: [
          { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes' },
        ],
      },
      { phase: 'Pending', reason: 'Unschedulable', message: '0/3 nodes' },
    ],
    [
      'that its container cannot be made',
      { phase: 'Pending', ...containerIn({ waiting: { reason: 'CreateContainerConfigError' } }) },
      { phase: 'Pending', reason: 'PodFailed', message: 'CreateContainerConfigError' },
    ],
  ] as const)('says %s while that is tried again', (_what, status, expected) => {
    const pod = aPodOf(aSandbox(), { status });
    expect(decide(seen({ pod }), policy).status).toMatchObject(expected);
  });

  test('has its executor asked as soon as the container runs', () => {
    const pod = aRunningPodOf(aSandbox());
    const { actions, status } = decide(seen({ pod, target, now: BORN + 200 }), policy);
    expect(actions).toEqual([{ type: 'askHealth', target }]);
    expect(status).toBeUndefined();
  });

  test('is Ready when its executor answers', () => {
    const pod = aRunningPodOf(aSandbox());
    const now = BORN + 800;
    const { status } = decide(seen({ pod, target, executor: { answeredAt: now }, now }), policy);
    expect(status).toMatchObject({
      phase: 'Running',
      reason: 'ExecutorAnswering',
      podName: 'box',
      podUID: 'uid-pod-box',
      nodeName: 'node-1',
      observedGeneration: 1,
      readyAt: timestamp(now),
      lastActivityTime: timestamp(now),
      idleDeadline: timestamp(now + 1_800 * SECOND),
      expiresAt: timestamp(BORN + 6 * HOUR),
    });
    expect(status?.conditions).toMatchObject([
      { type: 'PodScheduled', status: 'True' },
      { type: 'Ready', status: 'True', reason: 'ExecutorAnswering' },
    ]);
  });

  test('without a template says so, and starts when there is one', () => {
    const { actions, status } = decide(seen({ template: undefined }), policy);
    expect(actions).toEqual([]);
    expect(status).toMatchObject({ phase: 'Pending', reason: 'TemplateNotFound' });
    const sandbox = aSandbox({ status: status ?? {} });
    expect(types(decide(seen({ sandbox }), policy).actions)).toEqual(['createPod']);
  });

  test('waits for a template to be mended', () => {
    const template = aTemplate({ spec: { image: 'Not an image' } });
    const { actions, status } = decide(seen({ template }), policy);
    expect(actions).toEqual([]);
    expect(status).toMatchObject({ phase: 'Pending', reason: 'TemplateInvalid' });
  });

  test.each([
    ['a missing template', { template: undefined }, 'TemplateNotFound'],
    ['a pod that nobody starts', { pod: aPodOf(aSandbox()) }, 'StartTimeout'],
    ['an executor that never answers', { pod: aRunningPodOf(aSandbox()), target }, 'StartTimeout'],
    [
      'an image that cannot be pulled',
      {
        pod: aPodOf(aSandbox(), {
          status: { phase: 'Pending', ...containerIn({ waiting: { reason: 'ImagePullBackOff' } }) },
        }),
      },
      'ImagePullFailed',
    ],
  ] as const)('fails at the start deadline because of %s', (_what, overrides, reason) => {
    const now = BORN + policy.startTimeoutMs;
    const { status } = decide(seen({ ...overrides, now }), policy);
    expect(status).toMatchObject({ phase: 'Failed', reason, terminatedAt: timestamp(now) });
    expect(status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Terminated', status: 'True', reason }),
    );
  });

  test('fails with the words of the server that refused its pod', () => {
    const learned = { type: 'podRefused', message: 'violates PodSecurity' } as const;
    const { actions, status } = decide(seen({ learned }), policy);
    expect(actions).toEqual([]);
    expect(status).toMatchObject({
      phase: 'Failed',
      reason: 'PodRejected',
      message: 'violates PodSecurity',
    });
  });

  test("takes the next pod name when its own is somebody else's", () => {
    const { status } = decide(seen({ learned: { type: 'podNameTaken' } }), policy);
    expect(status).toMatchObject({ phase: 'Pending', restarts: 1 });
    expect(status?.lostAt).toBeUndefined();
    const next = decide(seen({ sandbox: aSandbox({ status: status ?? {} }) }), policy);
    expect(next.actions).toMatchObject([
      { type: 'createPod', pod: { metadata: { name: 'box-1' } } },
    ]);
  });
});

describe('a sandbox that serves', () => {
  test('needs no write as long as nothing changes, and is looked at for the next question', () => {
    const first = decide(serving(), policy);
    const settled = serving({ sandbox: aSandbox({ status: first.status ?? {} }) });
    expect(decide(settled, policy)).toEqual({
      actions: [],
      lookAgainMs: policy.livenessIntervalMs,
    });
  });

  test('has its executor asked for its health from time to time', () => {
    const now = BORN + 60 * SECOND;
    const asked = decide(serving({ now, executor: { answeredAt: BORN + 30 * SECOND } }), policy);
    expect(asked.actions).toEqual([{ type: 'askHealth', target }]);
  });

  test('stays Ready after a restart of the operator, which merely asks its executor', () => {
    const { actions, status } = decide(serving({ executor: {} }), policy);
    expect(actions).toEqual([{ type: 'askHealth', target }]);
    expect(status?.phase).toBe('Running');
    expect(status?.readyAt).toBe(CREATED_AT);
  });

  test('does not mind that its template is deleted', () => {
    const first = decide(serving(), policy).status ?? {};
    const orphan = serving({ sandbox: aSandbox({ status: first }), template: undefined });
    expect(decide(orphan, policy).status).toBeUndefined();
    const later = serving({ ...orphan, now: BORN + 6 * HOUR });
    expect(decide(later, policy).status).toMatchObject({ reason: 'LifetimeExceeded' });
  });

  test('follows a change of its timeouts', () => {
    const spec = { timeouts: { idleSeconds: 60, lifetimeSeconds: 0 } };
    const sandbox = aSandbox({ spec, status: readyStatus(), metadata: { generation: 2 } });
    const { status } = decide(serving({ sandbox }), policy);
    expect(status?.idleDeadline).toBe(timestamp(BORN + 60 * SECOND));
    expect(status?.expiresAt).toBeUndefined();
    expect(status?.observedGeneration).toBe(2);
  });

  test('ends when its lifetime is over', () => {
    const now = BORN + 6 * HOUR;
    expect(decide(serving({ now }), policy).status).toMatchObject({
      phase: 'Terminated',
      reason: 'LifetimeExceeded',
      terminatedAt: timestamp(now),
    });
  });

  test('ends when its user says so', () => {
    const spec = { desiredState: 'Terminated' };
    const sandbox = aSandbox({ spec, status: readyStatus() });
    expect(decide(serving({ sandbox }), policy).status).toMatchObject({
      phase: 'Terminated',
      reason: 'TerminatedByUser',
    });
  });

  test('keeps its pod until its end is written down, and loses it then', () => {
    const spec = { desiredState: 'Terminated' };
    const first = decide(serving({ sandbox: aSandbox({ spec, status: readyStatus() }) }), policy);
    expect(first.actions).toEqual([]);
    const ended = serving({ sandbox: aSandbox({ spec, status: first.status ?? {} }) });
    expect(decide(ended, policy)).toEqual({ actions: [{ type: 'deletePod', pod: ended.pod }] });
  });
});

describe('an idle sandbox', () => {
  const now = BORN + 1_800 * SECOND;
  const answeredAt = now;

  test('has its executor asked first', () => {
    const { actions, status } = decide(serving({ now }), policy);
    expect(actions).toEqual([{ type: 'askActivity', target }]);
    expect(status).toBeUndefined();
  });

  test('goes on when its executor was used meanwhile, and the new deadline counts from then', () => {
    const used = now - 5 * SECOND;
    const activity = { askedAt: now, lastActivityAt: used, running: 0 };
    const { actions, status } = decide(
      serving({ now, executor: { answeredAt, activity } }),
      policy,
    );
    expect(actions).toEqual([]);
    expect(status).toMatchObject({
      phase: 'Running',
      lastActivityTime: timestamp(used),
      idleDeadline: timestamp(used + 1_800 * SECOND),
    });
  });

  test('goes on when its executor runs something', () => {
    const activity = { askedAt: now, lastActivityAt: BORN, running: 1 };
    const { status } = decide(serving({ now, executor: { answeredAt, activity } }), policy);
    expect(status).toMatchObject({ phase: 'Running', lastActivityTime: timestamp(now) });
  });

  test('goes on while an execution of it is not finished, without a question', () => {
    const { actions, status } = decide(serving({ now, executions: [anExecution()] }), policy);
    expect(actions).toEqual([]);
    expect(status).toMatchObject({ phase: 'Running', lastActivityTime: timestamp(now) });
  });

  test('ends when its executor confirms it', () => {
    const activity = { askedAt: now, lastActivityAt: BORN, running: 0 };
    const { status } = decide(serving({ now, executor: { answeredAt, activity } }), policy);
    expect(status).toMatchObject({ phase: 'Terminated', reason: 'IdleTimeout' });
  });

  test('cannot put off its end by an activity in the future', () => {
    const activity = { askedAt: now, lastActivityAt: now + 99 * HOUR, running: 0 };
    const { status } = decide(serving({ now, executor: { answeredAt, activity } }), policy);
    expect(status?.lastActivityTime).toBe(timestamp(now));
  });

  test('is asked again, not ended, when its executor does not answer', () => {
    const executor = { answeredAt: BORN, silentSince: now - SECOND };
    const { actions, status } = decide(serving({ now, executor }), policy);
    expect(actions).toEqual([{ type: 'askActivity', target }]);
    expect(status).toBeUndefined();
  });

  test('ends instead of being recovered when its executor is silent for good', () => {
    const executor = { answeredAt: BORN, silentSince: now - policy.silenceMs };
    const { status } = decide(serving({ now, executor }), policy);
    expect(status).toMatchObject({ phase: 'Terminated', reason: 'IdleTimeout' });
  });

  test('never ends with an idle time of 0', () => {
    const spec = { timeouts: { idleSeconds: 0, lifetimeSeconds: 0 } };
    const sandbox = aSandbox({ spec, status: readyStatus() });
    const muchLater = BORN + 9_000 * HOUR;
    expect(decide(serving({ sandbox, now: muchLater }), policy).status?.phase).toBe('Running');
  });
});

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
