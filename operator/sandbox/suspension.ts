import { isFinished } from '../../crds/execution.ts';
import { SANDBOX_CONDITIONS } from '../../crds/reasons.ts';
import type { SandboxReason } from '../../crds/reasons.ts';
import type { Sandbox, SandboxStatus } from '../../crds/sandbox.ts';
import type { Settings } from '../settings.ts';
import { onIdleOf } from '../timeouts.ts';
import { timestamp } from '../timestamp.ts';
import type { Action } from './act.ts';
import { expiresAt, isIdleDue } from './deadlines.ts';
import type { Decision } from './decision.ts';
import { askHealthIfDue, healthDueAt } from './health.ts';
import { hindranceOf } from './hindrance.ts';
import type { Observed } from './observe.ts';
import { awaitingPod } from './packages.ts';
import { isLive } from './pod-state.ts';
import { lossOf } from './loss.ts';
import { NO_POD, statusOf } from './status.ts';
import { STORING } from './suspended-condition.ts';
import {
  leftWords,
  isStoredForSuspension,
  storeBeforeSuspension,
  storeQuietUntil,
} from './workspace.ts';

/**
 * A suspended sandbox has its files in the store and no pod. `spec.desiredState` alone says whether it is to be: the idle policy and a run that
 * comes change that, as a person does. Nothing that was asked for is lost: a suspension waits for what is left to run and for the store.
 */

/** Without a store its files would be gone, so it goes on instead. */
export function isToSuspend({ sandbox, workspace }: Observed): boolean {
  return sandbox.spec.desiredState === 'Suspended' && workspace !== undefined;
}

/** After the loss of a pod it waits for one of its own, which on a local runner finds the workspace that the lost one left. */
export function mayClaim({ status: { phase, restarts = 0 } = {} }: Sandbox): boolean {
  return restarts === 0 || phase === 'Resuming';
}

/** The wish to serve, or a run, brings it back. */
export function staySuspended(seen: Observed): Decision | undefined {
  const { sandbox, pods, now } = seen;
  if (sandbox.status?.phase !== 'Suspended') return undefined;
  if (sandbox.spec.desiredState === 'Running')
    return { actions: [], status: resumingStatus(seen), lookAgainMs: 0 };
  const leftovers = pods.filter(isLive).map((pod): Action => ({ type: 'deletePod', pod }));
  if (hasRunsToCome(seen)) return { actions: [...leftovers, WAKE] };
  return {
    actions: leftovers,
    status: statusOf(seen, headlineOf(seen), {}),
    ...within([expiresAt(seen)], now),
  };
}

/** Once nothing is left to run: status, last changes, pod. A pod that never served has nothing to store. */
export function suspend(seen: Observed, settings: Settings): Decision | undefined {
  if (!isToSuspend(seen)) return undefined;
  if (hasUnfinished(seen)) return callOff(seen);
  const { readyAt, phase } = seen.sandbox.status ?? {};
  if (readyAt === undefined) return { actions: [], status: suspendedStatus(seen), lookAgainMs: 0 };
  if (lossOf(seen, settings) !== undefined) return undefined;
  const isBegun = phase === 'Suspending';
  if (!isBegun) return { actions: [], status: suspendingStatus(seen, settings), lookAgainMs: 0 };
  // A change of files that a client was told is kept must not slip in between the look and the write.
  if (isStoredForSuspension(seen))
    return { actions: [], status: suspendedStatus(seen), ifUnchanged: true, lookAgainMs: 0 };
  return storeFirst(seen, settings);
}

function storeFirst(seen: Observed, settings: Settings): Decision {
  const due = [expiresAt(seen), storeQuietUntil(seen, settings), ...healthDueAt(seen, settings)];
  return {
    actions: [...askHealthIfDue(seen, settings), ...storeBeforeSuspension(seen)],
    status: suspendingStatus(seen, settings),
    ...within(due, seen.now),
  };
}

/** A run came before the pod was given up. Whoever wished it suspended gets that afterwards; idleness is over. */
function callOff({ sandbox: { status: before } }: Observed): Decision | undefined {
  const wasIdle = before?.phase === 'Suspending' && before.reason === 'IdleSuspended';
  return wasIdle ? { actions: [WAKE] } : undefined;
}

const WAKE: Action = { type: 'setDesiredState', from: 'Suspended', to: 'Running' };

/** Undefined: it cannot be, and serves on. */
export function suspendUnused({ workspace }: Observed): Decision | undefined {
  if (workspace === undefined) return undefined;
  const rest: Action = { type: 'setDesiredState', from: 'Running', to: 'Suspended' };
  return { actions: [rest] };
}

function hasUnfinished({ executions }: Observed): boolean {
  return !executions.every(isFinished);
}

/** One that was cancelled or deleted before it started needs no pod for its end. */
function hasRunsToCome({ executions }: Observed): boolean {
  return executions.some(
    (execution) =>
      !isFinished(execution) &&
      !execution.spec.cancel &&
      execution.metadata.deletionTimestamp === undefined,
  );
}

function suspendingStatus(seen: Observed, settings: Settings): SandboxStatus {
  const { phase, suspendedAt } = seen.sandbox.status ?? {};
  const isBegun = phase === 'Suspending';
  const message = storingWords(seen, settings);
  const headline = { phase: 'Suspending', reason: reasonOf(seen), message } as const;
  return statusOf(seen, headline, { suspendedAt: isBegun ? suspendedAt : timestamp(seen.now) });
}

function storingWords(seen: Observed, settings: Settings): string {
  const { left = 0, problem = 'the store does not answer' } = seen.workspace ?? {};
  const quietUntil = storeQuietUntil(seen, settings);
  if (quietUntil !== undefined && quietUntil <= seen.now)
    return `its pod stays until its last changes are stored: ${problem}`;
  if (left === 0) return STORING;
  return `its pod stays: ${leftWords(left)}`;
}

/** Without a pod; the next one has another name. */
function suspendedStatus(seen: Observed): SandboxStatus {
  const before = seen.sandbox.status;
  const isBegun = before?.phase === 'Suspending';
  const next = statusOf({ ...seen, pod: undefined }, headlineOf(seen), {
    ...NO_POD,
    dependencies: awaitingPod(seen.sandbox),
    suspensions: (before?.suspensions ?? 0) + 1,
    suspendedAt: isBegun ? before.suspendedAt : timestamp(seen.now),
    lossesInARow: undefined,
    nextAttemptAt: undefined,
    idleDeadline: undefined,
  });
  // True of the pod that is given up.
  const isOfPod = SANDBOX_CONDITIONS.workspaceRestored;
  return { ...next, conditions: next.conditions?.filter(({ type }) => type !== isOfPod) };
}

function resumingStatus(seen: Observed): SandboxStatus {
  const headline = { phase: 'Resuming', ...hindranceOf(seen) } as const;
  return statusOf(seen, headline, {
    dependencies: awaitingPod(seen.sandbox),
    resumedAt: timestamp(seen.now),
  });
}

function headlineOf(seen: Observed): Parameters<typeof statusOf>[1] {
  return { phase: 'Suspended', reason: reasonOf(seen), message: '' };
}

/** Of the first moment; nobody is idle for being suspended. */
function reasonOf(seen: Observed): SandboxReason {
  const { phase, reason } = seen.sandbox.status ?? {};
  if (reason !== undefined && (phase === 'Suspending' || phase === 'Suspended')) return reason;
  const isIdle = onIdleOf(seen.sandbox, seen.template) === 'Suspend' && isIdleDue(seen);
  return isIdle ? 'IdleSuspended' : 'SuspendedByUser';
}

function within(due: readonly (number | undefined)[], now: number): Pick<Decision, 'lookAgainMs'> {
  const ahead = due.filter((time) => time !== undefined).filter((time) => time > now);
  return ahead.length === 0 ? {} : { lookAgainMs: Math.min(...ahead) - now };
}
