import { anExecution } from '../../test/builders/execution.ts';
import { CREATED_AT } from '../../test/builders/metadata.ts';
import {
  BORN,
  HOUR,
  policy,
  SECOND,
  seen,
  serving,
  target,
} from '../../test/builders/observed-sandbox.ts';
import { aPodOf, aRunningPodOf, containerIn } from '../../test/builders/pod.ts';
import { aSandbox, readyStatus } from '../../test/builders/sandbox.ts';
import { aTemplate } from '../../test/builders/sandbox-template.ts';
import { timestamp } from '../timestamp.ts';
import type { Action } from './act.ts';
import { decide } from './decide.ts';

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

  test('does not report what an ordinary start passes through, for each report is a write', () => {
    const waiting = aPodOf(aSandbox());
    const { status = {} } = decide(seen({ pod: waiting, now: BORN + 2 * SECOND }), policy);
    expect(status).toMatchObject({ phase: 'Pending', reason: 'PodPending' });
    const sandbox = aSandbox({ status });
    const pod = aRunningPodOf(sandbox);
    const starting = { sandbox, pod, target, executor: { hasOpenNetwork: true } };
    const soon = decide(seen({ ...starting, now: BORN + 4 * SECOND }), policy);
    expect(soon.status).toBeUndefined();
    expect(soon.lookAgainMs).toBe(policy.slowStartMs - 4 * SECOND);
    const late = decide(seen({ ...starting, now: BORN + policy.slowStartMs }), policy);
    expect(late.status).toMatchObject({ phase: 'Pending', reason: 'NetworkOpen' });
  });

  test('reports at once what keeps it from starting, and that it does so no more', () => {
    const { status = {} } = decide(seen({ template: undefined, now: BORN + 2_000 }), policy);
    const sandbox = aSandbox({ status });
    const pod = aPodOf(sandbox);
    const { status: next } = decide(seen({ sandbox, pod, now: BORN + 3_000 }), policy);
    expect(next).toMatchObject({ phase: 'Pending', reason: 'PodPending' });
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
    expect(actions).toEqual([{ type: 'askHealth', target, urgency: 'awaited' }]);
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
    [
      'an executor that never answers',
      { pod: aRunningPodOf(aSandbox()), target, executor: { silentSince: BORN } },
      'StartTimeout',
    ],
    ['a pod without an address', { pod: aRunningPodOf(aSandbox()) }, 'StartTimeout'],
    [
      'a network that is never closed',
      { pod: aRunningPodOf(aSandbox()), target, executor: { hasOpenNetwork: true } },
      'NetworkOpen',
    ],
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

  describe('that an overloaded operator comes to long after it was created', () => {
    const now = BORN + policy.startTimeoutMs + 60 * SECOND;

    test('gets its pod all the same', () => {
      expect(types(decide(seen({ now }), policy).actions)).toEqual(['createPod']);
    });

    test('has as long as any other from then on', () => {
      const pod = aPodOf(aSandbox(), { metadata: { creationTimestamp: timestamp(now) } });
      const late = now + policy.startTimeoutMs;
      expect(decide(seen({ pod, now: late - 1 }), policy).status?.phase).toBe('Pending');
      expect(decide(seen({ pod, now: late }), policy).status?.phase).toBe('Failed');
    });

    test('is not given up before its executor was asked, nor asked in haste', () => {
      const pod = aRunningPodOf(aSandbox());
      const { actions, status, lookAgainMs } = decide(seen({ pod, target, now }), policy);
      expect(types(actions)).toEqual(['askHealth']);
      expect(status?.phase).toBe('Pending');
      expect(lookAgainMs).toBeGreaterThanOrEqual(SECOND);
    });

    test('is Ready when that answers', () => {
      const executor = { answeredAt: now };
      const { status } = decide(
        seen({ pod: aRunningPodOf(aSandbox()), target, executor, now }),
        policy,
      );
      expect(status?.phase).toBe('Running');
    });
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

  describe('whose pod exceeds a quota', () => {
    const learned = { type: 'quotaExceeded', message: 'the ResourceQuota q has no room' } as const;

    test('waits, says so, and is tried again', () => {
      const decision = decide(seen({ learned }), policy);
      expect(decision.actions).toEqual([]);
      expect(decision.status).toMatchObject({
        phase: 'Pending',
        reason: 'QuotaExceeded',
        message: learned.message,
      });
      expect(decision.lookAgainMs).toBe(2_500);
    });

    test('is told only once it has waited for a moment', () => {
      const early = decide(seen({ learned, now: BORN + 300 }), policy);
      expect(early).toEqual({ actions: [], lookAgainMs: 1_000 });
    });

    test('needs no write for a wait that goes on', () => {
      const { status = {} } = decide(seen({ learned }), policy);
      const sandbox = aSandbox({ status });
      expect(decide(seen({ sandbox, learned }), policy)).toEqual({
        actions: [],
        lookAgainMs: 2_500,
      });
    });

    test('tries again, and goes on as any other once there is room', () => {
      const { status = {} } = decide(seen({ learned }), policy);
      const sandbox = aSandbox({ status });
      expect(decide(seen({ sandbox }), policy).actions).toMatchObject([{ type: 'createPod' }]);
      const pod = aPodOf(sandbox);
      expect(decide(seen({ sandbox, pod }), policy).status).toMatchObject({
        phase: 'Pending',
        reason: 'PodPending',
      });
    });

    test('fails for it when its start has taken too long, tried or not', () => {
      const { status = {} } = decide(seen({ learned }), policy);
      const late = { sandbox: aSandbox({ status }), now: BORN + policy.startTimeoutMs };
      const failed = { phase: 'Failed', reason: 'QuotaExceeded' };
      expect(decide(seen(late), policy).status).toMatchObject(failed);
      expect(decide(seen({ ...late, learned }), policy).status).toMatchObject(failed);
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

  test('writes down what its template says, once: the template may go or change', () => {
    const inherited = {
      runtime: 'python3.11',
      resources: { cpu: '1', memory: '512Mi', disk: '1Gi' },
      idleSeconds: 1_800,
      onIdle: 'Terminate',
    } as const;
    const { status = {} } = decide(serving(), policy);
    expect(status.inherited).toEqual(inherited);
    const sandbox = aSandbox({ status });
    const node = aTemplate({ spec: { runtime: 'nodejs20' } });
    for (const template of [undefined, node])
      expect(decide(serving({ sandbox, template }), policy).status).toBeUndefined();
  });

  test('has its executor asked for its health from time to time', () => {
    const now = BORN + 60 * SECOND;
    const asked = decide(serving({ now, executor: { answeredAt: BORN + 30 * SECOND } }), policy);
    expect(asked.actions).toEqual([{ type: 'askHealth', target, urgency: 'others' }]);
  });

  test('is not looked at again and again while a question is on its way', () => {
    const now = BORN + 60 * SECOND;
    const silent = { answeredAt: BORN, silentSince: now - SECOND };
    for (const executor of [{}, { answeredAt: BORN }, silent]) {
      const { lookAgainMs = Number.POSITIVE_INFINITY } = decide(serving({ now, executor }), policy);
      expect(lookAgainMs).toBeGreaterThan(SECOND);
    }
  });

  test('stays Ready after a restart of the operator, which merely asks its executor', () => {
    const { actions, status } = decide(serving({ executor: {} }), policy);
    expect(actions).toEqual([{ type: 'askHealth', target, urgency: 'others' }]);
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

describe('a sandbox that has ended', () => {
  const sandbox = aSandbox({
    status: { phase: 'Terminated', reason: 'IdleTimeout', terminatedAt: CREATED_AT },
  });
  const DAY = 24 * HOUR;
  const executions = [anExecution({ status: { phase: 'Completed' } })];

  test('stays for ever without a history', () => {
    expect(decide(seen({ sandbox, now: BORN + 9 * DAY }), policy)).toEqual({ actions: [] });
  });

  test('stays for its TTL with one', () => {
    const decision = decide(seen({ sandbox, isMirrored: false, now: BORN + HOUR }), policy);
    expect(decision).toEqual({ actions: [], lookAgainMs: 23 * HOUR });
  });

  test('is given to history with its executions after that', () => {
    const observed = seen({ sandbox, executions, isMirrored: false, now: BORN + DAY });
    expect(decide(observed, policy)).toEqual({ actions: [{ type: 'keepInHistory', executions }] });
  });

  test('is deleted once history has all of them', () => {
    const observed = seen({ sandbox, executions, isMirrored: true, now: BORN + DAY });
    expect(decide(observed, policy)).toEqual({
      actions: [{ type: 'removeFinalizer' }, { type: 'deleteSandbox' }],
    });
  });

  test('waits for executions that have not finished', () => {
    const observed = seen({
      sandbox,
      executions: [anExecution()],
      isMirrored: true,
      now: BORN + DAY,
    });
    expect(decide(observed, policy)).toEqual({ actions: [] });
  });

  test('loses its pod first', () => {
    const pod = aRunningPodOf(sandbox);
    const observed = seen({ sandbox, pod, isMirrored: true, now: BORN + DAY });
    expect(decide(observed, policy)).toEqual({ actions: [{ type: 'deletePod', pod }] });
  });
});
