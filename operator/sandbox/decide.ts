import { isFinished } from '../../crds/execution.ts';
import { FINALIZER } from '../../crds/names.ts';
import type { SandboxReason } from '../../crds/reasons.ts';
import { isEnded } from '../../crds/sandbox.ts';
import { hasFinalizer } from '../../kube/finalizers.ts';
import type { IndexPolicy } from '../package-index/allowed.ts';
import type { Settings } from '../settings.ts';
import { sameStatus } from '../status-writer.ts';
import { timeOf, timestamp } from '../timestamp.ts';
import { onIdleOf } from '../timeouts.ts';
import type { Action } from './act.ts';
import {
  expiresAt,
  idleDeadline,
  isIdleDue,
  isReady,
  knownUse,
  startDeadline,
} from './deadlines.ts';
import type { Decision } from './decision.ts';
import { askHealth, askHealthIfDue, healthDueAt } from './health.ts';
import { hindranceOf, overdueReason, templateHindrance } from './hindrance.ts';
import type { Observed } from './observe.ts';
import { packageStep } from './packages.ts';
import { buildPod, fitsPool } from './pod.ts';
import type { PodSettings } from './pod.ts';
import { isLive, podState } from './pod-state.ts';
import { pending, pendingForQuota } from './pending.ts';
import { isToSuspend, mayClaim, staySuspended, suspend, suspendUnused } from './suspension.ts';
import { preferring } from './preferred-nodes.ts';
import { lossesWithThis, lossOf, recoveryDelayMs } from './recovery.ts';
import { withoutStrays } from './strays.ts';
import {
  awaitStoredMs,
  mustRemoveStored,
  mustRestore,
  restore,
  storeChanges,
  storeLastChanges,
  storeQuietUntil,
  withWorkspace,
} from './workspace.ts';
import {
  endedStatus,
  leavingStatus,
  recoveringStatus,
  renamedStatus,
  runningStatus,
} from './status.ts';

export interface Policy extends Settings {
  readonly pod: PodSettings;
  readonly indexes: IndexPolicy;
}

type Rule = (seen: Observed, policy: Policy) => Decision | undefined;

/** The life of a sandbox. The first rule that applies decides. */
const RULES: readonly Rule[] = [
  cleanUpDeleted,
  expireEnded,
  cleanUpEnded,
  endByUser,
  endByLifetime,
  staySuspended,
  failRefused,
  avoidTakenName,
  suspend,
  serveAfterAll,
  endUnusedInsteadOfRecovering,
  failAfterManyLosses,
  recover,
  failOverdueStart,
  awaitTemplate,
  pauseBeforeRecovery,
  awaitQuota,
  claimPod,
  createPod,
  awaitPod,
  awaitExecutor,
  restoreFiles,
  askWhetherIdle,
  endIdle,
  serve,
];

/** Decides from what was observed and nothing else. */
export function decide(seen: Observed, policy: Policy): Decision {
  for (const rule of RULES) {
    const decision = rule(seen, policy);
    if (decision === undefined) continue;
    return withoutVainWrite(seen, withFiles(seen, withoutStrays(seen, decision), policy));
  }
  return { actions: [] };
}

/** The finalizer goes only when neither the cache nor the server knows a pod or an execution of ours any more, and no file of ours is stored. */
function cleanUpDeleted(seen: Observed, { pendingQuietMs }: Policy): Decision | undefined {
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
function expireEnded(seen: Observed, { endedTtlMs }: Policy): Decision | undefined {
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
function cleanUpEnded(seen: Observed, policy: Policy): Decision | undefined {
  const { status } = seen.sandbox;
  if (status === undefined || !isEnded(seen.sandbox)) return undefined;
  const lookAgainMs = awaitStoredMs(seen, policy);
  if (lookAgainMs > 0) return { actions: storeLastChanges(seen), lookAgainMs };
  const live = seen.pods.filter(isLive);
  // Also says it where the last changes were not stored in time.
  return { actions: live.map((pod) => ({ type: 'deletePod', pod })), status };
}

function endByUser(seen: Observed): Decision | undefined {
  if (seen.sandbox.spec.desiredState !== 'Terminated') return undefined;
  return end(seen, 'TerminatedByUser', 'spec.desiredState is Terminated');
}

function endByLifetime(seen: Observed): Decision | undefined {
  const expiry = expiresAt(seen);
  if (expiry === undefined || expiry > seen.now) return undefined;
  return end(seen, 'LifetimeExceeded', `its lifetime ended at ${timestamp(expiry)}`);
}

function failRefused(seen: Observed): Decision | undefined {
  if (seen.learned?.type !== 'podRefused') return undefined;
  return fail(seen, 'PodRejected', seen.learned.message);
}

/** Another sandbox may be called like our first replacement, `<name>-1`. */
function avoidTakenName(seen: Observed): Decision | undefined {
  if (seen.learned?.type !== 'podNameTaken') return undefined;
  return { actions: [], status: renamedStatus(seen), lookAgainMs: 0 };
}

/** Its executor can't say that it is in use, and nothing else does. */
function endUnusedInsteadOfRecovering(seen: Observed, policy: Policy): Decision | undefined {
  const wasReady = seen.sandbox.status?.readyAt !== undefined;
  if (!wasReady || !isIdleDue(seen) || lossOf(seen, policy) === undefined) return undefined;
  return leaveUnused(seen);
}

function failAfterManyLosses(seen: Observed, policy: Policy): Decision | undefined {
  const loss = lossOf(seen, policy);
  const losses = lossesWithThis(seen, policy);
  if (loss === undefined || losses <= policy.maxLossesInARow) return undefined;
  return fail(seen, loss.reason, `pod lost ${String(losses)} times in a row: ${loss.message}`);
}

/** The loss is written down first; the next look removes what is left of the old pod and makes the new one. */
function recover(seen: Observed, policy: Policy): Decision | undefined {
  const loss = lossOf(seen, policy);
  if (loss === undefined) return undefined;
  const losses = lossesWithThis(seen, policy);
  const nextAttemptAt = seen.now + recoveryDelayMs(losses, policy);
  const status = recoveringStatus(seen, { loss, losses, nextAttemptAt });
  return { actions: [], status, lookAgainMs: 0 };
}

function failOverdueStart(seen: Observed, policy: Policy): Decision | undefined {
  if (isReady(seen) || startDeadline(seen, policy) > seen.now || waitsForFiles(seen))
    return undefined;
  const hindrance = hindranceOf(seen);
  const seconds = String(policy.startTimeoutMs / 1_000);
  const message = `not ready within ${seconds} s: ${hindrance.message}`;
  return fail(seen, overdueReason(hindrance), message);
}

function awaitTemplate(seen: Observed, policy: Policy): Decision | undefined {
  if (seen.pod !== undefined || templateHindrance(seen) === undefined) return undefined;
  return pending(seen, policy);
}

/** The status keeps saying why the last pod was lost. */
function pauseBeforeRecovery(seen: Observed): Decision | undefined {
  const next = timeOf(seen.sandbox.status?.nextAttemptAt);
  if (seen.pod !== undefined || next === undefined || next <= seen.now) return undefined;
  return { actions: [], lookAgainMs: next - seen.now };
}

function awaitQuota(seen: Observed, policy: Policy): Decision | undefined {
  return seen.learned?.type === 'quotaExceeded' ? pendingForQuota(seen, policy) : undefined;
}

/** The pod of a sandbox that starts or resumes and wants nothing special may be one that waits already. */
function claimPod({ sandbox, pod, pool, learned }: Observed): Decision | undefined {
  if (pod !== undefined || pool === undefined || learned?.type === 'poolEmpty') return undefined;
  if (!mayClaim(sandbox) || !fitsPool(sandbox, pool.template)) return undefined;
  const claim: Action = { type: 'claimPod', pool };
  const actions: readonly Action[] = hasFinalizer(sandbox, FINALIZER.sandbox)
    ? [claim]
    : [{ type: 'addFinalizer' }, claim];
  return { actions, lookAgainMs: 0 };
}

function createPod(seen: Observed, policy: Policy): Decision | undefined {
  const { sandbox, template, pod, nodes } = seen;
  if (pod !== undefined || template === undefined) return undefined;
  const draft = preferring(buildPod(sandbox, template, policy.pod), nodes);
  const missesPool =
    template.spec.warmPool.size > 0 && mayClaim(sandbox) && fitsPool(sandbox, template);
  const create: Action = { type: 'createPod', pod: draft, missesPool };
  // The finalizer first: without one the pod could outlive its sandbox.
  const actions: readonly Action[] = hasFinalizer(sandbox, FINALIZER.sandbox)
    ? [create]
    : [{ type: 'addFinalizer' }, create];
  return { actions, lookAgainMs: policy.pendingQuietMs };
}

function awaitPod(seen: Observed, policy: Policy): Decision | undefined {
  if (podState(seen.pod).kind !== 'waiting') return undefined;
  return pending(seen, policy);
}

function awaitExecutor(seen: Observed, policy: Policy): Decision | undefined {
  if (isReady(seen) || seen.executor.answeredAt !== undefined) return undefined;
  return { ...pending(seen, policy), actions: askHealth(seen) };
}

/** Better late than with other files than its user left: the store may be away for long, and only idleness and lifetime end that. */
function restoreFiles(seen: Observed, policy: Policy): Decision | undefined {
  if (!mustRestore(seen)) return undefined;
  const unused = isIdleDue(seen) ? leaveUnused(seen) : undefined;
  if (unused !== undefined) return unused;
  return { ...pending(seen, policy), actions: restore(seen), lookAgainMs: RESTORE_RECHECK_MS };
}

const RESTORE_RECHECK_MS = 5_000;

/** Its start is not late: it waits for the store, or did so until just now. */
function waitsForFiles(seen: Observed): boolean {
  if (seen.executor.answeredAt === undefined) return false;
  return mustRestore(seen) || seen.workspace?.restored !== undefined;
}

/** The executor knows of files and streams that were used and left no trace elsewhere. */
function askWhetherIdle(seen: Observed): Decision | undefined {
  if (!isReady(seen) || !isIdleDue(seen) || wasAskedWhetherIdle(seen)) return undefined;
  if (seen.target === undefined) return undefined;
  const ask: Action = { type: 'askActivity', target: seen.target };
  return { actions: [ask], lookAgainMs: ACTIVITY_RECHECK_MS };
}

const ACTIVITY_RECHECK_MS = 1_000;

function endIdle(seen: Observed): Decision | undefined {
  return isReady(seen) && isIdleDue(seen) ? leaveUnused(seen) : undefined;
}

/** Its pod was about to be given up and is wanted still. */
function serveAfterAll(seen: Observed, policy: Policy): Decision | undefined {
  if (seen.sandbox.status?.phase !== 'Suspending' || lossOf(seen, policy) !== undefined)
    return undefined;
  const { sandbox } = seen;
  const status = { ...sandbox.status, resumedAt: timestamp(seen.now) };
  return serve({ ...seen, sandbox: { ...sandbox, status } }, policy);
}

function serve(seen: Observed, policy: Policy): Decision {
  const packages = packageStep(seen, policy.indexes);
  return {
    actions: [...askHealthIfDue(seen, policy), ...packages.actions, ...storeChanges(seen)],
    status: runningStatus(seen, packages.status),
    ...untilNextLook(seen, policy),
  };
}

/**
 * Until what comes due first: idleness, the end of its life, the next question for its health, the end of our patience.
 * A question that is due already is being asked, and its answer brings the sandbox back by itself.
 */
function untilNextLook(seen: Observed, policy: Policy): Pick<Decision, 'lookAgainMs'> {
  const due = [
    idleDeadline(seen, knownUse(seen)),
    expiresAt(seen),
    ...healthDueAt(seen, policy),
    storeQuietUntil(seen, policy),
  ]
    .filter((time) => time !== undefined)
    .filter((time) => time > seen.now);
  return due.length === 0 ? {} : { lookAgainMs: Math.min(...due) - seen.now };
}

function wasAskedWhetherIdle(seen: Observed): boolean {
  const deadline = idleDeadline(seen, knownUse(seen));
  const askedAt = seen.executor.activity?.askedAt;
  return deadline !== undefined && askedAt !== undefined && askedAt >= deadline;
}

/** Undefined: it stays, because it is to be suspended anyway, or should be and cannot. */
function leaveUnused(seen: Observed): Decision | undefined {
  if (isToSuspend(seen)) return undefined;
  if (onIdleOf(seen.sandbox, seen.template) === 'Suspend') return suspendUnused(seen);
  return end(seen, 'IdleTimeout', `not used since ${timestamp(knownUse(seen))}`);
}

/** The pod goes with the next look: see `cleanUpEnded`. */
function end(seen: Observed, reason: SandboxReason, message: string): Decision {
  const status = endedStatus(seen, { phase: 'Terminated', reason, message });
  return { actions: [], status, lookAgainMs: 0 };
}

function fail(seen: Observed, reason: SandboxReason, message: string): Decision {
  const status = endedStatus(seen, { phase: 'Failed', reason, message });
  return { actions: [], status, lookAgainMs: 0 };
}

function withFiles(seen: Observed, decision: Decision, policy: Policy): Decision {
  const { status } = decision;
  return status === undefined
    ? decision
    : { ...decision, status: withWorkspace(seen, status, policy) };
}

/** A status that says what the object says already is not written. */
function withoutVainWrite(seen: Observed, decision: Decision): Decision {
  const { actions, status, lookAgainMs } = decision;
  if (status === undefined || !sameStatus(seen.sandbox, status)) return decision;
  return lookAgainMs === undefined ? { actions } : { actions, lookAgainMs };
}
