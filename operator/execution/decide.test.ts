import { ANNOTATION } from '../../crds/names.ts';
import type { SandboxStatus } from '../../crds/sandbox.ts';
import { anExecution, anOutcome } from '../../test/builders/execution.ts';
import { CREATED_AT } from '../../test/builders/metadata.ts';
import { aRun, seenExecution as seen } from '../../test/builders/observed-execution.ts';
import { BORN, SECOND, target } from '../../test/builders/observed-sandbox.ts';
import { aRunningPodOf, containerIn } from '../../test/builders/pod.ts';
import { aSandbox, readyStatus } from '../../test/builders/sandbox.ts';
import { aTemplate } from '../../test/builders/sandbox-template.ts';
import { DEFAULT_SETTINGS as settings } from '../settings.ts';
import { timestamp } from '../timestamp.ts';
import { decide } from './decide.ts';

const running = aRun({ phase: 'running', startedAt: CREATED_AT });
const recorded = { phase: 'Running', podName: 'box', podUID: 'uid-pod-box' } as const;

function sandboxWith(status: SandboxStatus, spec: object = {}) {
  return aSandbox({ spec, status });
}

describe('an execution that has not begun', () => {
  test('is handed to the executor of its ready sandbox, with nothing written yet', () => {
    const { actions, status } = decide(seen(), settings);
    expect(status).toBeUndefined();
    expect(actions).toMatchObject([
      {
        type: 'followRun',
        order: {
          uid: 'uid-run',
          key: 'default/run',
          sandboxKey: 'default/box',
          podName: 'box',
          target,
          request: { language: 'python', code: 'print("hello")', event: {}, env: {} },
        },
      },
    ]);
  });

  test('is handed over with the id of the request that it was made by', () => {
    const annotations = { [ANNOTATION.requestId]: 'req-1' };
    const { actions } = decide(
      seen({ execution: anExecution({ metadata: { annotations } }) }),
      settings,
    );
    expect(actions).toMatchObject([{ order: { target: { ...target, requestId: 'req-1' } } }]);
  });

  test('is handed over without what only looks like one', () => {
    const annotations = { [ANNOTATION.requestId]: 'req-1\r\nx: y' };
    const execution = anExecution({ metadata: { annotations } });
    expect(decide(seen({ execution }), settings).actions).toMatchObject([{ order: { target } }]);
    expect(JSON.stringify(decide(seen({ execution }), settings))).not.toContain('req-1');
  });

  test.each([
    ['its own timeout', { timeoutSeconds: 7 }, { executionSeconds: 8 }, 7_000],
    ["its sandbox's", {}, { executionSeconds: 8 }, 8_000],
    ["its template's", {}, {}, 9_000],
  ])('runs under %s', (_what, spec, timeouts, timeoutMs) => {
    const execution = anExecution({ spec });
    const sandbox = sandboxWith(readyStatus(), { timeouts });
    const template = aTemplate({ spec: { timeouts: { executionSeconds: 9 } } });
    expect(decide(seen({ execution, sandbox, template }), settings).actions).toMatchObject([
      { order: { request: { timeoutMs } } },
    ]);
  });

  test('waits while its sandbox is not ready', () => {
    const sandbox = sandboxWith({ phase: 'Pending' });
    expect(decide(seen({ sandbox, pod: undefined }), settings)).toEqual({ actions: [] });
  });

  test('looks again when the pod of its ready sandbox is not in the cache yet', () => {
    const decision = decide(seen({ pod: undefined, target: undefined }), settings);
    expect(decision.actions).toEqual([]);
    expect(decision.lookAgainMs).toBeGreaterThan(0);
  });

  test('waits a moment for its sandbox to appear, and no longer', () => {
    const absent = { sandbox: undefined, pod: undefined, target: undefined };
    const early = decide(seen({ ...absent, now: BORN + 1_000 }), settings);
    expect(early).toEqual({ actions: [], lookAgainMs: settings.sandboxGraceMs - 1_000 });
    expect(decide(seen(absent), settings).status).toMatchObject({
      phase: 'Failed',
      reason: 'SandboxNotFound',
    });
  });

  test.each([
    ['has ended', sandboxWith({ phase: 'Terminated', reason: 'IdleTimeout' })],
    ['has failed', sandboxWith({ phase: 'Failed', reason: 'StartTimeout' })],
    ['is to end', sandboxWith(readyStatus(), { desiredState: 'Terminated' })],
    ['is being deleted', aSandbox({ metadata: { deletionTimestamp: CREATED_AT } })],
  ])('does not begin on a sandbox that %s', (_what, sandbox) => {
    const { actions, status } = decide(seen({ sandbox }), settings);
    expect(actions).toEqual([]);
    expect(status).toMatchObject({ phase: 'Cancelled', reason: 'SandboxNotActive' });
  });

  test('is cancelled at once, and its executor told in case it has it', () => {
    const execution = anExecution({ spec: { cancel: true } });
    const { actions, status } = decide(seen({ execution }), settings);
    expect(actions).toEqual([{ type: 'cancelAt', target }]);
    expect(status).toMatchObject({ phase: 'Cancelled', reason: 'Cancelled' });
    expect(status?.conditions).toMatchObject([{ type: 'Finished', status: 'True' }]);
  });
});

describe('an execution whose sandbox runs as many as it may', () => {
  const template = aTemplate({ spec: { executions: { maxConcurrent: 2 } } });
  const full = { template, ahead: 2 };

  test('begins as the last of those that may, and not as the next one', () => {
    expect(decide(seen({ template, ahead: 1 }), settings).actions).toMatchObject([
      { type: 'followRun' },
    ]);
    expect(decide(seen(full), settings).actions).toEqual([]);
  });

  test('tells nothing of a short wait', () => {
    const decision = decide(seen({ ...full, now: BORN + 400 }), settings);
    expect(decision).toEqual({ actions: [], lookAgainMs: settings.runningAfterMs - 400 });
  });

  test('tells once what it waits for, and then waits to be woken', () => {
    const { status, lookAgainMs } = decide(seen(full), settings);
    expect(lookAgainMs).toBeUndefined();
    expect(status).toEqual({
      phase: 'Pending',
      reason: 'Queued',
      message:
        'waits for its turn: 2 others run in its sandbox, which is what spec.executions.maxConcurrent of its template allows',
      observedGeneration: 1,
    });
    if (status === undefined) return;
    const told = decide(seen({ ...full, ahead: 9, execution: anExecution({ status }) }), settings);
    expect(told).toEqual({ actions: [] });
  });

  test('says no more that it waits once it runs', () => {
    const status = { phase: 'Pending', reason: 'Queued', message: 'waits' } as const;
    const execution = anExecution({ status });
    const now = BORN + 60 * SECOND;
    const next = decide(seen({ execution, template, run: running, now }), settings).status;
    expect(next).toMatchObject({ phase: 'Running', podName: 'box' });
    expect(next?.reason).toBeUndefined();
    expect(next?.message).toBeUndefined();
  });

  test('is cancelled without its turn', () => {
    const execution = anExecution({ spec: { cancel: true } });
    expect(decide(seen({ ...full, execution }), settings).status).toMatchObject({
      phase: 'Cancelled',
      message: 'cancelled before it started',
    });
  });

  test.each([
    ['that is followed', { run: running }],
    ['that an earlier leader handed over', { execution: anExecution({ status: recorded }) }],
  ])('and %s goes on, however many there are', (_what, handed) => {
    const { status } = decide(seen({ ...full, ahead: 9, ...handed }), settings);
    expect(status?.reason).not.toBe('Queued');
  });

  test('waits for ever: its timeout counts from its start', () => {
    const now = BORN + 86_400 * SECOND;
    const execution = anExecution({ spec: { timeoutSeconds: 1 } });
    expect(decide(seen({ ...full, execution, now }), settings).status?.reason).toBe('Queued');
  });
});

describe('an execution whose sandbox lost a pod', () => {
  const lostAt = timestamp(BORN + 5 * SECOND);
  const sandbox = sandboxWith(readyStatus({ lostAt, restarts: 1 }));

  test('may have run there if an earlier leader was about, so it is not run again', () => {
    const { actions, status } = decide(seen({ sandbox, isNewcomer: false }), settings);
    expect(actions).toEqual([]);
    expect(status).toMatchObject({ phase: 'Crashed', reason: 'ExecutorLost' });
  });

  test('runs on the new pod if it was created after the loss', () => {
    const execution = anExecution({
      metadata: { creationTimestamp: timestamp(BORN + 6 * SECOND) },
    });
    const { actions } = decide(seen({ sandbox, execution, isNewcomer: false }), settings);
    expect(actions).toMatchObject([{ type: 'followRun' }]);
  });

  test('runs on the new pod if it appeared while this process leads', () => {
    expect(decide(seen({ sandbox }), settings).actions).toMatchObject([{ type: 'followRun' }]);
  });

  test('that had been handed over before is lost with the pod', () => {
    const replaced = sandboxWith(readyStatus({ podUID: 'uid-pod-box-1', lostAt, restarts: 1 }));
    for (const handed of [{ run: running }, { execution: anExecution({ status: recorded }) }]) {
      const { status } = decide(seen({ ...handed, sandbox: replaced, pod: undefined }), settings);
      expect(status).toMatchObject({
        phase: 'Crashed',
        reason: 'ExecutorLost',
        podUID: 'uid-pod-box',
      });
    }
  });
});

describe('an execution on its way to a pod that is lost', () => {
  const sandbox = sandboxWith({ phase: 'Recovering', restarts: 1 });
  const decideFor = (heard: 'no' | 'pending' | 'maybe') =>
    decide(seen({ sandbox, pod: undefined, run: aRun({ phase: 'starting', heard }) }), settings);

  test('waits for the next pod when the executor never heard of it', () => {
    expect(decideFor('no')).toEqual({ actions: [{ type: 'forgetRun' }], lookAgainMs: 0 });
  });

  test('is judged when the call that is on its way has ended', () => {
    const { actions, status, lookAgainMs } = decideFor('pending');
    expect([actions, status]).toEqual([[], undefined]);
    expect(lookAgainMs).toBeGreaterThan(0);
  });

  test('is lost when the executor may have heard of it', () => {
    expect(decideFor('maybe').status).toMatchObject({ phase: 'Crashed', reason: 'ExecutorLost' });
  });

  test('is not sent to a pod that is known to have ended', () => {
    const pod = aRunningPodOf(aSandbox(), { status: { phase: 'Failed' } });
    expect(decide(seen({ pod }), settings)).toEqual({ actions: [] });
  });
});

describe('an execution that was handed over', () => {
  test('is followed by asking only, when its status shows that it had begun', () => {
    const execution = anExecution({ status: { ...recorded, startedAt: CREATED_AT } });
    const [action] = decide(seen({ execution }), settings).actions;
    expect(action).toMatchObject({ type: 'followRun', order: { target } });
    expect(action).not.toHaveProperty('order.request');
  });

  test('is reported as Running only if it lasts', () => {
    const early = aRun({ phase: 'running', startedAt: CREATED_AT }, { since: BORN + 9_500 });
    expect(decide(seen({ run: early }), settings)).toEqual({ actions: [], lookAgainMs: 500 });
    expect(decide(seen({ run: running }), settings).status).toEqual({
      observedGeneration: 1,
      phase: 'Running',
      podName: 'box',
      podUID: 'uid-pod-box',
      attempts: 1,
      startedAt: timestamp(BORN),
    });
  });

  test('is not reported as Running before its executor has acknowledged it', () => {
    const run = aRun({ phase: 'starting', heard: 'maybe' });
    expect(decide(seen({ run }), settings).status).toBeUndefined();
  });

  test('ends with the outcome that its executor reports', () => {
    const run = aRun({ phase: 'finished', outcome: anOutcome({ returnValue: { a: null } }) });
    const { status } = decide(seen({ run }), settings);
    expect(status).toMatchObject({
      phase: 'Completed',
      reason: 'Completed',
      exitCode: 0,
      stdout: { text: 'hello\n', bytes: 6, truncated: false },
      returnValue: { a: null },
      metrics: { durationMs: 3 },
      podName: 'box',
      podUID: 'uid-pod-box',
      attempts: 1,
    });
    expect(status?.conditions).toMatchObject([
      { type: 'Finished', status: 'True', reason: 'Completed' },
    ]);
  });

  test('keeps its outcome even if its sandbox ended meanwhile', () => {
    const run = aRun({ phase: 'finished', outcome: anOutcome() });
    const sandbox = sandboxWith({ phase: 'Terminated', reason: 'IdleTimeout' });
    expect(decide(seen({ run, sandbox }), settings).status?.phase).toBe('Completed');
  });

  test.each([
    ['the sandbox ended', sandboxWith({ phase: 'Terminated', reason: 'IdleTimeout' }), 'Cancelled'],
    ['the sandbox was terminated', sandboxWith({}, { desiredState: 'Terminated' }), 'Cancelled'],
    ['the sandbox was deleted', undefined, 'Cancelled'],
    ['the sandbox failed', sandboxWith({ phase: 'Failed', reason: 'PodFailed' }), 'Crashed'],
  ])('ends when %s', (_what, sandbox, phase) => {
    const lost = aRun({ phase: 'lost', message: 'reset' });
    for (const run of [running, lost]) {
      expect(decide(seen({ run, sandbox }), settings).status?.phase).toBe(phase);
    }
  });

  test('is lost when its executor does not know it any more', () => {
    const run = aRun({ phase: 'lost', message: 'unknown execution' });
    expect(decide(seen({ run }), settings).status).toMatchObject({
      phase: 'Crashed',
      reason: 'ExecutorLost',
      message: 'unknown execution',
    });
  });

  test('ends as OOMKilled when its container was', () => {
    const pod = aRunningPodOf(aSandbox(), {
      status: {
        phase: 'Failed',
        ...containerIn({ terminated: { exitCode: 137, reason: 'OOMKilled' } }),
      },
    });
    expect(decide(seen({ run: running, pod }), settings).status).toMatchObject({
      phase: 'Failed',
      reason: 'OOMKilled',
    });
  });

  test('is given up when no outcome comes long after its timeout', () => {
    const execution = anExecution({ status: { ...recorded, startedAt: CREATED_AT } });
    const overdue = BORN + 30 * SECOND + settings.outcomeGraceMs;
    const before = decide(seen({ execution, run: running, now: overdue - 1 }), settings);
    expect(before).toEqual({ actions: [], lookAgainMs: 1 });
    const { actions, status } = decide(seen({ execution, run: running, now: overdue }), settings);
    expect(actions).toEqual([{ type: 'cancelRun' }]);
    expect(status).toMatchObject({ phase: 'Crashed', reason: 'ExecutorLost' });
  });

  test('is asked for after an outage, however long its timeout is over', () => {
    const execution = anExecution({ status: { ...recorded, startedAt: CREATED_AT } });
    const late = BORN + 30 * SECOND + 100 * settings.outcomeGraceMs;
    const { actions, status } = decide(seen({ execution, now: late }), settings);
    expect(actions).toMatchObject([{ type: 'followRun' }]);
    expect(status).toBeUndefined();
    const run = { ...running, since: late };
    const { actions: none } = decide(seen({ execution, run, now: late }), settings);
    expect(none).toEqual([]);
  });

  test('is cancelled by its executor, and after a grace time without it', () => {
    const execution = anExecution({ spec: { cancel: true } });
    const asked = decide(seen({ execution, run: running }), settings);
    expect(asked).toEqual({
      actions: [{ type: 'cancelRun' }],
      lookAgainMs: settings.cancelGraceMs,
    });
    const run = { ...running, cancelledAt: BORN };
    expect(decide(seen({ execution, run }), settings).status).toMatchObject({
      phase: 'Cancelled',
      reason: 'Cancelled',
    });
  });

  test('is followed first, then cancelled, after a restart of the operator', () => {
    const execution = anExecution({ spec: { cancel: true }, status: recorded });
    expect(decide(seen({ execution }), settings).actions).toMatchObject([{ type: 'followRun' }]);
  });
});

describe('an execution that has finished', () => {
  const status = { phase: 'Completed', reason: 'Completed', finishedAt: CREATED_AT } as const;
  const spec = { ttlSecondsAfterFinished: 60 };

  test('stays for its TTL', () => {
    const execution = anExecution({ spec, status });
    expect(decide(seen({ execution }), settings)).toEqual({
      actions: [{ type: 'forgetRun' }],
      lookAgainMs: 50 * SECOND,
    });
  });

  test('is deleted after its TTL', () => {
    const execution = anExecution({ spec, status });
    expect(decide(seen({ execution, now: BORN + 60 * SECOND }), settings)).toEqual({
      actions: [{ type: 'forgetRun' }, { type: 'deleteExecution' }],
    });
  });

  test.each([
    ['waits for history to have it', false, 'keepInHistory'],
    ['goes when history has it', true, 'deleteExecution'],
  ])('%s after its TTL', (_what, isMirrored, type) => {
    const execution = anExecution({ spec, status });
    expect(decide(seen({ execution, isMirrored, now: BORN + 60 * SECOND }), settings)).toEqual({
      actions: [{ type: 'forgetRun' }, { type }],
    });
  });

  test('is not touched again, whatever becomes of its sandbox', () => {
    const execution = anExecution({ status });
    const decision = decide(seen({ execution, sandbox: undefined, run: running }), settings);
    expect(decision.status).toBeUndefined();
  });
});
