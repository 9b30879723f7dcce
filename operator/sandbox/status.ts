import { SANDBOX_CONDITIONS } from '../../crds/reasons.ts';
import type { SandboxReason } from '../../crds/reasons.ts';
import type { SandboxPhase, SandboxStatus } from '../../crds/sandbox.ts';
import { setCondition } from '../../kube/conditions.ts';
import type { ConditionUpdate } from '../../kube/conditions.ts';
import { timestamp } from '../timestamp.ts';
import { expiresAt, idleDeadline, isReady, knownUse, recordedUse } from './deadlines.ts';
import { hindranceOf } from './hindrance.ts';
import type { Observed } from './observe.ts';
import { isFromPool } from './pod-name.ts';
import { awaitingPod } from './packages.ts';
import { podState } from './pod-state.ts';
import type { Loss } from './loss.ts';
import { suspended, suspensionHindrance } from './suspended-condition.ts';

/** What a status says in one line; conditions and phase are derived from it and from the pod. */
interface Headline {
  readonly phase: SandboxPhase;
  readonly reason: SandboxReason;
  readonly message: string;
}

const LONGEST_MESSAGE = 4_096;
/** Phases that last until it is Ready. */
const STARTING = ['Recovering', 'Resuming'] as const;

/** Waits for something; says for what. */
export function pendingStatus(seen: Observed): SandboxStatus {
  const before = seen.sandbox.status;
  const phase = STARTING.find((each) => each === before?.phase) ?? 'Pending';
  return statusOf(
    seen,
    { phase, ...hindranceOf(seen) },
    {
      ...podFields(seen),
      dependencies: awaitingPod(seen.sandbox),
    },
  );
}

/** Serves. The use that is recorded moves on only when its idle deadline came due: it must not cost a write per run. */
export function runningStatus(
  seen: Observed,
  dependencies: SandboxStatus['dependencies'],
): SandboxStatus {
  const readyAt = isReady(seen) ? seen.sandbox.status?.readyAt : undefined;
  const recorded = recordedUse(seen);
  const recordedDeadline = idleDeadline(seen, recorded);
  const isDue = recordedDeadline !== undefined && recordedDeadline <= seen.now;
  const usedAt = isDue ? knownUse(seen) : recorded;
  const message = suspensionHindrance(seen) ?? '';
  const headline = { phase: 'Running', reason: 'ExecutorAnswering', message } as const;
  return statusOf(seen, headline, {
    ...podFields(seen),
    dependencies,
    nextAttemptAt: undefined,
    readyAt: readyAt ?? timestamp(seen.now),
    lastActivityTime: timestamp(usedAt),
    idleDeadline: timeOrNever(idleDeadline(seen, usedAt)),
    expiresAt: timeOrNever(expiresAt(seen)),
  });
}

/** Without a pod, on the way to the next one. */
export function recoveringStatus(
  seen: Observed,
  { loss, losses, nextAttemptAt }: { loss: Loss; losses: number; nextAttemptAt: number },
): SandboxStatus {
  const before = seen.sandbox.status;
  const wasReady = before?.readyAt !== undefined;
  return statusOf(
    seen,
    { phase: 'Recovering', reason: loss.reason, message: loss.message },
    {
      ...NO_POD,
      dependencies: awaitingPod(seen.sandbox),
      restarts: (before?.restarts ?? 0) + 1,
      lostAt: wasReady ? timestamp(seen.now) : before?.lostAt,
      lossesInARow: losses,
      nextAttemptAt: timestamp(nextAttemptAt),
    },
  );
}

/** Goes on under the pod name after next. */
export function renamedStatus(seen: Observed): SandboxStatus {
  const restarts = (seen.sandbox.status?.restarts ?? 0) + 1;
  return { ...pendingStatus(seen), ...NO_POD, restarts };
}

/** Will never run again: `Terminated` as it should, `Failed` as it should not. */
export function endedStatus(seen: Observed, headline: Headline): SandboxStatus {
  const fields = { nextAttemptAt: undefined, idleDeadline: undefined };
  return statusOf(seen, headline, { ...fields, terminatedAt: timestamp(seen.now) });
}

/** Deleted, and what belongs to it is not gone yet. */
export function leavingStatus(seen: Observed): SandboxStatus {
  const pods = seen.pods.map(({ metadata }) => metadata.name).join(', ');
  const count = String(seen.executions.length);
  const isAlone = seen.pods.length + seen.executions.length === 0;
  const { problem = 'they are being removed' } = seen.workspace?.removal ?? {};
  const message = isAlone
    ? `waits for its stored files to go: ${problem}`
    : `waits for pods (${pods}) and ${count} executions to go`;
  return statusOf(seen, { phase: 'Terminating', reason: 'TerminatedByUser', message }, {});
}

export const NO_POD = {
  podName: undefined,
  podUID: undefined,
  nodeName: undefined,
  warmStart: undefined,
  readyAt: undefined,
} as const;

function podFields({ pod }: Observed): Partial<SandboxStatus> {
  if (pod === undefined) return {};
  const { name, uid, labels } = pod.metadata;
  const warmStart = isFromPool(labels) ? true : undefined;
  return { podName: name, podUID: uid, nodeName: pod.spec.nodeName, warmStart };
}

function timeOrNever(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : timestamp(ms);
}

/** The whole status: what was known, what is news, and the conditions that follow from both. */
export function statusOf(
  seen: Observed,
  headline: Headline,
  fields: Partial<SandboxStatus>,
): SandboxStatus {
  const message = headline.message.slice(0, LONGEST_MESSAGE);
  const known = { ...seen.sandbox.status, ...fields };
  return {
    ...known,
    ...headline,
    message: message === '' ? undefined : message,
    observedGeneration: seen.sandbox.metadata.generation,
    inherited: known.inherited ?? inheritedFrom(seen),
    conditions: conditions(seen, [
      podScheduled(seen, headline),
      dependenciesInstalled(known.dependencies),
      ready({ ...headline, message }),
      suspended(seen, { ...headline, message }),
      terminated({ ...headline, message }),
    ]),
  };
}

/** Not renewed with the template: that would be a write for each of its sandboxes. */
function inheritedFrom({ template }: Observed): SandboxStatus['inherited'] {
  if (template === undefined) return undefined;
  const { runtime, resources, timeouts } = template.spec;
  const { idleSeconds, onIdle } = timeouts;
  return { runtime, resources, idleSeconds, onIdle };
}

function conditions(
  seen: Observed,
  stated: readonly (ConditionUpdate | undefined)[],
): SandboxStatus['conditions'] {
  let all = seen.sandbox.status?.conditions ?? [];
  for (const update of stated) {
    if (update === undefined) continue;
    const observedGeneration = seen.sandbox.metadata.generation ?? 0;
    all = [...setCondition(all, { ...update, observedGeneration }, seen.now)];
  }
  return all;
}

function podScheduled({ pod }: Observed, { phase, reason: why }: Headline): ConditionUpdate {
  const type = SANDBOX_CONDITIONS.podScheduled;
  const node = pod?.spec.nodeName;
  if (node !== undefined) {
    return { type, status: 'True', reason: 'PodScheduled', message: `on node ${node}` };
  }
  const state = podState(pod);
  if (state.kind === 'running') {
    return { type, status: 'True', reason: 'PodScheduled', message: 'the pod runs' };
  }
  if (phase === 'Suspended')
    return { type, status: 'False', reason: why, message: 'it has no pod while it is suspended' };
  const isRefused = state.kind === 'waiting' && state.reason === 'Unschedulable';
  const reason = isRefused ? 'Unschedulable' : 'PodPending';
  return { type, status: 'False', reason, message: isRefused ? state.message : '' };
}

function dependenciesInstalled(
  dependencies: SandboxStatus['dependencies'],
): ConditionUpdate | undefined {
  if (dependencies === undefined) return undefined;
  const { state, reason = state, message = '' } = dependencies;
  const status = state === 'Installed' ? 'True' : 'False';
  return { type: SANDBOX_CONDITIONS.dependenciesInstalled, status, reason, message };
}

function ready({ phase, reason, message }: Headline): ConditionUpdate {
  const isServing = phase === 'Running';
  return {
    type: SANDBOX_CONDITIONS.ready,
    status: isServing ? 'True' : 'False',
    reason,
    message,
  };
}

/** Stated only once it holds: `kubectl wait` needs no False. */
function terminated({ phase, reason, message }: Headline): ConditionUpdate | undefined {
  if (phase !== 'Terminated' && phase !== 'Failed') return undefined;
  return { type: SANDBOX_CONDITIONS.terminated, status: 'True', reason, message };
}
