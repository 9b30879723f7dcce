import type { SandboxStatus } from '../../crds/sandbox.ts';
import { BORN, HOUR, policy, SECOND, seen, serving } from '../../test/builders/observed-sandbox.ts';
import { anExecution } from '../../test/builders/execution.ts';
import { aPodOf, aRunningPodOf } from '../../test/builders/pod.ts';
import { aSandbox, readyStatus } from '../../test/builders/sandbox.ts';
import { aTemplate } from '../../test/builders/sandbox-template.ts';
import { decide } from './decide.ts';
import type { Observed, ObservedWorkspace } from './observe.ts';

const NOW = BORN + 10 * SECOND;
const BEGAN = new Date(BORN + 5 * SECOND).toISOString();
const SUSPENDING: Partial<SandboxStatus> = {
  phase: 'Suspending',
  reason: 'SuspendedByUser',
  suspendedAt: BEGAN,
  conditions: [],
};
const SUSPENDED: SandboxStatus = {
  phase: 'Suspended',
  reason: 'SuspendedByUser',
  suspendedAt: BEGAN,
  suspensions: 1,
};

function files(more: Partial<ObservedWorkspace> = {}): ObservedWorkspace {
  return { asked: {}, stored: {}, left: 0, ...more };
}

const all = { seen: 'uid-pod-box', end: BEGAN };
const STORED = files({ asked: all, stored: all });

/** To be suspended, with a pod that served. */
function wished(status: Partial<SandboxStatus>, more: Partial<Observed> = {}): Observed {
  const sandbox = aSandbox({
    spec: { desiredState: 'Suspended' },
    status: readyStatus(status),
    ...(more.sandbox === undefined ? {} : { metadata: more.sandbox.metadata }),
  });
  return serving({ workspace: files(), ...more, sandbox });
}

function asleep(desiredState: string, more: Partial<Observed> = {}): Observed {
  const sandbox = aSandbox({ spec: { desiredState }, status: SUSPENDED });
  return seen({ sandbox, workspace: files(), ...more });
}

const annotated = aSandbox({
  metadata: { annotations: { 'sandbox.ai/files-changed-at': BEGAN } },
});

const actionsOf = (observed: Observed): string[] =>
  decide(observed, policy).actions.map((action) => {
    if (action.type === 'storeWorkspace') return `store for ${action.cause}`;
    return action.type === 'setDesiredState' ? `wish ${action.to}` : action.type;
  });

describe('one that is to be suspended', () => {
  test.each<[string, Observed, string | undefined, string[]]>([
    ['first says so', wished({}), 'Suspending', []],
    ['then has all stored', wished(SUSPENDING), 'Suspending', ['store for seen', 'store for end']],
    [
      'gives its pod up once all is stored',
      wished(SUSPENDING, { workspace: STORED }),
      'Suspended',
      [],
    ],
    [
      'waits for a run that it has',
      wished({}, { executions: [anExecution()] }),
      'Running',
      ['store for seen'],
    ],
    [
      'serves a run that comes before its pod is given up',
      wished(SUSPENDING, { workspace: STORED, executions: [anExecution()] }),
      'Running',
      [],
    ],
    [
      'for idleness is wanted again when a run comes',
      wished({ ...SUSPENDING, reason: 'IdleSuspended' }, { executions: [anExecution()] }),
      undefined,
      ['wish Running'],
    ],
    [
      'waits for a run that went on while all was stored',
      wished(SUSPENDING, { workspace: files({ asked: { ...all, run: 'r' }, stored: all }) }),
      'Suspending',
      ['store for end'],
    ],
    [
      'waits for files that a client changed',
      wished(SUSPENDING, { workspace: STORED, sandbox: annotated }),
      'Suspending',
      ['store for files', 'store for end'],
    ],
    [
      'keeps its pod for files that cannot be stored',
      wished(SUSPENDING, { workspace: { ...STORED, left: 1 } }),
      'Suspending',
      ['store for end'],
    ],
    ['is not, without an object store', wished({}, { workspace: undefined }), 'Running', []],
    [
      'has nothing to store before it served',
      seen({ sandbox: aSandbox({ spec: { desiredState: 'Suspended' } }), workspace: files() }),
      'Suspended',
      [],
    ],
  ])('%s', (_what, observed, phase, actions) => {
    expect(decide(observed, policy).status?.phase).toBe(phase);
    expect(actionsOf(observed)).toEqual(actions);
  });

  test('gives its pod up only if nobody changed the object meanwhile', () => {
    const { ifUnchanged } = decide(wished(SUSPENDING, { workspace: STORED }), policy);
    expect(ifUnchanged).toBe(true);
  });

  test('whose pod is silent for too long has lost it', () => {
    const executor = { answeredAt: NOW, silentSince: NOW - policy.silenceMs };
    const { status } = decide(wished(SUSPENDING, { executor }), policy);
    expect(status).toMatchObject({ phase: 'Recovering', reason: 'PodFailed' });
    expect(status?.lostAt).toBeDefined();
  });

  test('serves on if it is wanted again, used at this moment', () => {
    const sandbox = aSandbox({ status: readyStatus(SUSPENDING) });
    const now = BORN + HOUR;
    const { status } = decide(serving({ sandbox, workspace: files(), now }), policy);
    const time = new Date(now).toISOString();
    expect(status).toMatchObject({ phase: 'Running', resumedAt: time, lastActivityTime: time });
  });
});

describe('one that is suspended', () => {
  const pod = aRunningPodOf(aSandbox());
  test.each<[string, Observed, string[]]>([
    ['has its pod removed', asleep('Suspended', { pods: [pod] }), ['deletePod']],
    ['stays so', asleep('Suspended'), []],
    ['is woken by a run', asleep('Suspended', { executions: [anExecution()] }), ['wish Running']],
    [
      'is not woken by a run that is over',
      asleep('Suspended', { executions: [anExecution({ status: { phase: 'Completed' } })] }),
      [],
    ],
    [
      'is not woken by a run that was cancelled',
      asleep('Suspended', { executions: [anExecution({ spec: { cancel: true } })] }),
      [],
    ],
  ])('%s', (_what, observed, actions) => {
    expect(actionsOf(observed)).toEqual(actions);
  });

  test('resumes when it is wanted', () => {
    const { status } = decide(asleep('Running'), policy);
    expect(status).toMatchObject({ phase: 'Resuming', resumedAt: new Date(NOW).toISOString() });
  });

  test('is looked at when its lifetime ends', () => {
    const { lookAgainMs } = decide(asleep('Suspended'), policy);
    expect(lookAgainMs).toBe(6 * HOUR - 10 * SECOND);
  });
});

describe('a resuming one', () => {
  const resumedAt = new Date(NOW - SECOND).toISOString();
  const status: SandboxStatus = { ...SUSPENDED, phase: 'Resuming', resumedAt };
  const resuming = (more: Partial<Observed> = {}): Observed =>
    seen({ sandbox: aSandbox({ status }), workspace: files(), ...more });
  const pool = { template: aTemplate(), make: 'make', canResize: false };

  test.each<[string, Observed, string[]]>([
    ['takes a pod that waits', resuming({ pool }), ['claimPod']],
    ['starts its own where none waits', resuming(), ['createPod']],
  ])('%s', (_what, observed, actions) => {
    expect(actionsOf(observed)).toEqual(actions);
  });

  test('has as long as any start, from then on', () => {
    const late = BORN + HOUR;
    const sandbox = aSandbox({
      status: { ...status, resumedAt: new Date(late - SECOND).toISOString() },
    });
    const pod = aPodOf(sandbox);
    expect(decide(resuming({ sandbox, pod, now: late }), policy).status?.phase).not.toBe('Failed');
    const now = late + policy.startTimeoutMs;
    expect(decide(resuming({ sandbox, pod, now }), policy).status?.phase).toBe('Failed');
  });
});

describe('idleness', () => {
  const now = BORN + HOUR;
  const activity = { askedAt: now, lastActivityAt: BORN, running: 0 };
  const idle = (spec: object, workspace: ObservedWorkspace | undefined = files()): Observed => {
    const sandbox = aSandbox({ spec, status: readyStatus() });
    return serving({ sandbox, now, workspace, executor: { answeredAt: now, activity } });
  };

  test.each<[string, Observed, string[], string | undefined]>([
    ['ends a sandbox', idle({}), [], 'Terminated'],
    [
      'suspends one that says so',
      idle({ timeouts: { onIdle: 'Suspend' } }),
      ['wish Suspended'],
      undefined,
    ],
  ])('%s', (_what, observed, actions, phase) => {
    expect(actionsOf(observed)).toEqual(actions);
    expect(decide(observed, policy).status?.phase).toBe(phase);
  });

  test('does neither where it is to suspend and there is no store', () => {
    const observed = { ...idle({ timeouts: { onIdle: 'Suspend' } }), workspace: undefined };
    expect(decide(observed, policy).status?.phase).toBe('Running');
  });

  test('is told as the reason', () => {
    const spec = { desiredState: 'Suspended', timeouts: { onIdle: 'Suspend' } };
    expect(decide(idle(spec), policy).status).toMatchObject({
      phase: 'Suspending',
      reason: 'IdleSuspended',
    });
  });
});
