import { isFinished } from '../../crds/execution.ts';
import type { SandboxReason } from '../../crds/reasons.ts';
import { isEnded } from '../../crds/sandbox.ts';
import type { Settings } from '../settings.ts';
import { onIdleOf } from '../timeouts.ts';
import { timeOf, timestamp } from '../timestamp.ts';
import type { Action } from './act.ts';
import { expiresAt, knownUse } from './deadlines.ts';
import type { Decision } from './decision.ts';
import type { Observed } from './observe.ts';
import { isLive } from './pod-state.ts';
import { endedStatus, leavingStatus } from './status.ts';
import { isToSuspend, suspendUnused } from './suspension.ts';
import { awaitStoredMs, mustRemoveStored, storeLastChanges } from './workspace.ts';

/** The rules of a sandbox's end: that it comes, what it leaves behind, and when it is gone. */

/** The finalizer goes only when neither the cache nor the server knows a pod or an execution of ours any more, and no file of ours is stored. */
export function cleanUpDeleted(seen: Observed, { pendingQuietMs }: Settings): Decision | undefined {
  const deletedAt = timeOf(seen.sandbox.metadata.deletionTimestamp);
  if (deletedAt === undefined) return undefined;
  const { pods, executions } = seen;
  const isAlone = pods.length + executions.length === 0;
  if (isAlone && !mustRemoveStored(seen)) return { actions: [{ type: 'removeFinalizer' }] };
  const actions: readonly Action[] = [
    ...(isAlone ? [{ type: 'removeStoredFiles' } as const] : []),
    ...pods.filter(isLive).map((pod): Action => ({ type: 'deletePod', pod })),
    ...executions.map((execution): Action => ({ type: 'deleteExecution', execution })),
  ];
  const quietForMs = deletedAt + pendingQuietMs - seen.now;
  if (quietForMs > 0) return { actions, lookAgainMs: quietForMs };
  return { actions, status: leavingStatus(seen), lookAgainMs: LEFTOVERS_RECHECK_MS };
}

const LEFTOVERS_RECHECK_MS = 5_000;

/** Only where there is a history, which then shows it in its place; it goes once that has it and its executions, and the mirror says when. */
export function expireEnded(seen: Observed, { endedTtlMs }: Settings): Decision | undefined {
  if (!isEnded(seen.sandbox) || seen.isMirrored === undefined) return undefined;
  if (seen.pods.some(isLive) || !seen.executions.every(isFinished)) return undefined;
  const endedAt = timeOf(seen.sandbox.status?.terminatedAt) ?? seen.now;
  const lookAgainMs = endedAt + endedTtlMs - seen.now;
  if (lookAgainMs > 0) return { actions: [], lookAgainMs };
  // Without the finalizer, whose clean-up would take the stored files too: history goes on to show them.
  if (seen.isMirrored) return { actions: [{ type: 'removeFinalizer' }, { type: 'deleteSandbox' }] };
  return { actions: [{ type: 'keepInHistory', executions: seen.executions }] };
}

/** Its status was written first, so that its executions end as cancelled and not as lost. The pod stays until its files are safe. */
export function cleanUpEnded(seen: Observed, policy: Settings): Decision | undefined {
  const { status } = seen.sandbox;
  if (status === undefined || !isEnded(seen.sandbox)) return undefined;
  const lookAgainMs = awaitStoredMs(seen, policy);
  if (lookAgainMs > 0) return { actions: storeLastChanges(seen), lookAgainMs };
  const live = seen.pods.filter(isLive);
  // Also says it where the last changes were not stored in time.
  return { actions: live.map((pod) => ({ type: 'deletePod', pod })), status };
}

export function endByUser(seen: Observed): Decision | undefined {
  if (seen.sandbox.spec.desiredState !== 'Terminated') return undefined;
  return end(seen, 'TerminatedByUser', 'spec.desiredState is Terminated');
}

export function endByLifetime(seen: Observed): Decision | undefined {
  const expiry = expiresAt(seen);
  if (expiry === undefined || expiry > seen.now) return undefined;
  return end(seen, 'LifetimeExceeded', `its lifetime ended at ${timestamp(expiry)}`);
}

/** Undefined: it stays, because it is to be suspended anyway, or should be and cannot. */
export function leaveUnused(seen: Observed): Decision | undefined {
  if (isToSuspend(seen)) return undefined;
  if (onIdleOf(seen.sandbox, seen.template) === 'Suspend') return suspendUnused(seen);
  return end(seen, 'IdleTimeout', `not used since ${timestamp(knownUse(seen))}`);
}

/** The pod goes with the next look: see `cleanUpEnded`. */
function end(seen: Observed, reason: SandboxReason, message: string): Decision {
  const status = endedStatus(seen, { phase: 'Terminated', reason, message });
  return { actions: [], status, lookAgainMs: 0 };
}

export function fail(seen: Observed, reason: SandboxReason, message: string): Decision {
  const status = endedStatus(seen, { phase: 'Failed', reason, message });
  return { actions: [], status, lookAgainMs: 0 };
}
