import { isFinished } from '../../crds/execution.ts';
import type { ExecutionStatus } from '../../crds/execution.ts';
import { maxConcurrent, placeInQueue } from '../../crds/execution-queue.ts';
import { createdAtOf } from '../../crds/identity.ts';
import { SANDBOX_CONDITIONS } from '../../crds/reasons.ts';
import { isEnded } from '../../crds/sandbox.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import { isConditionTrue } from '../../kube/conditions.ts';
import type { FinalState } from '../../executor/contract.ts';
import { keyOf, refOf } from '../../kube/objects.ts';
import { awaitsPackages } from '../sandbox/packages.ts';
import { podState } from '../sandbox/pod-state.ts';
import type { Settings } from '../settings.ts';
import { sameStatus } from '../status-writer.ts';
import { timeOf } from '../timestamp.ts';
import { timeoutsOf } from '../timeouts.ts';
import { workspaceOrder } from '../workspace/order.ts';
import type { Action } from './act.ts';
import { forRequest } from '../for-request.ts';
import { handedTo } from './handed-to.ts';
import type { Observed } from './observe.ts';
import { startRequestOf } from './request.ts';
import type { RunOrder } from './runs.ts';
import { finishedStatus, outcomeStatus, queuedStatus, runningStatus } from './status.ts';
import type { Ending } from './status.ts';

/** What to do about an execution, as data. */
export interface Decision {
  /** Carried out in order, before the status is written. */
  readonly actions: readonly Action[];
  /** The whole next status; absent: it stays. */
  readonly status?: ExecutionStatus;
  /** When to look again, if nothing happens before. */
  readonly lookAgainMs?: number;
}

type Rule = (seen: Observed, settings: Settings) => Decision | undefined;

/** The life of an execution: its code never runs twice. The first rule that applies decides. */
const RULES: readonly Rule[] = [
  leaveDeleted,
  expire,
  reportOutcome,
  awaitSandbox,
  endWithSandbox,
  cancelBeforeStart,
  withdrawUnheard,
  reportLoss,
  loseWhatMayHaveRun,
  giveUpOverdue,
  cancelRun,
  awaitReadySandbox,
  awaitPackages,
  awaitTurn,
  startOrResume,
  reportRunning,
  awaitOutcome,
];

/** Decides from what was observed and nothing else. */
export function decide(seen: Observed, settings: Settings): Decision {
  for (const rule of RULES) {
    const decision = rule(seen, settings);
    if (decision !== undefined) return withoutVainWrite(seen, decision);
  }
  return { actions: [] };
}

function leaveDeleted({ execution }: Observed): Decision | undefined {
  return execution.metadata.deletionTimestamp === undefined ? undefined : { actions: [] };
}

function expire({ execution, isMirrored, now }: Observed): Decision | undefined {
  if (!isFinished(execution)) return undefined;
  const forget: Action = { type: 'forgetRun' };
  const finishedAt = timeOf(execution.status?.finishedAt) ?? now;
  const lookAgainMs = finishedAt + execution.spec.ttlSecondsAfterFinished * 1_000 - now;
  if (lookAgainMs > 0) return { actions: [forget], lookAgainMs };
  // Where there is a history it goes only once that has it; the mirror says when.
  if (isMirrored === false) return { actions: [forget, { type: 'keepInHistory' }] };
  return { actions: [forget, { type: 'deleteExecution' }] };
}

function reportOutcome(seen: Observed): Decision | undefined {
  if (seen.run?.progress.phase !== 'finished') return undefined;
  const { outcome } = seen.run.progress;
  return { actions: storeFiles(seen, outcome), status: outcomeStatus(seen, outcome) };
}

/** Of an executor that does not say, the files may have changed. */
function storeFiles(seen: Observed, { workspaceChanged }: FinalState): readonly Action[] {
  const { sandbox, template, target, run } = seen;
  if (workspaceChanged === false || sandbox === undefined) return [];
  const order = workspaceOrder({ sandbox, template, target });
  return order?.target.podUID === run?.podUID && order !== undefined
    ? [{ type: 'storeWorkspace', order }]
    : [];
}

/** `kubectl apply` may create an execution before its sandbox. */
function awaitSandbox(seen: Observed, { sandboxGraceMs }: Settings): Decision | undefined {
  if (seen.sandbox !== undefined) return undefined;
  if (handedTo(seen) !== undefined) {
    return cancelled(seen, 'its sandbox was deleted');
  }
  const leftMs = createdAt(seen) + sandboxGraceMs - seen.now;
  if (leftMs > 0) return { actions: [], lookAgainMs: leftMs };
  const { name } = seen.execution.spec.sandboxRef;
  const message = `there is no Sandbox ${name}`;
  return finish(seen, { phase: 'Failed', reason: 'SandboxNotFound', message });
}

function endWithSandbox(seen: Observed): Decision | undefined {
  if (seen.sandbox === undefined || !isEnding(seen.sandbox)) return undefined;
  const message = endOf(seen.sandbox);
  if (handedTo(seen) === undefined) {
    return finish(seen, { phase: 'Cancelled', reason: 'SandboxNotActive', message });
  }
  const hasFailed = seen.sandbox.status?.phase === 'Failed';
  return hasFailed ? lost(seen, message) : cancelled(seen, message);
}

/** The executor is told all the same: before a restart of ours it may have been handed over. */
function cancelBeforeStart(seen: Observed): Decision | undefined {
  if (!seen.execution.spec.cancel || handedTo(seen) !== undefined) return undefined;
  const { target } = seen;
  const tell: readonly Action[] = target === undefined ? [] : [{ type: 'cancelAt', target }];
  return { ...cancelled(seen, 'cancelled before it started'), actions: tell };
}

/** Its pod is gone, but the executor there never heard of it: it can have the next one. */
function withdrawUnheard(seen: Observed): Decision | undefined {
  const progress = seen.run?.progress;
  if (progress?.phase !== 'starting' || progress.heard === 'maybe') return undefined;
  if (!isPodLost(seen)) return undefined;
  if (progress.heard === 'pending') return { actions: [], lookAgainMs: PENDING_CALL_RECHECK_MS };
  return { actions: [{ type: 'forgetRun' }], lookAgainMs: 0 };
}

const PENDING_CALL_RECHECK_MS = 50;

function isPodLost({ sandbox, run, pod }: Observed): boolean {
  return sandbox?.status?.podUID !== run?.podUID || podState(pod).kind === 'over';
}

function reportLoss(seen: Observed): Decision | undefined {
  const podUID = handedTo(seen);
  if (podUID === undefined) return undefined;
  if (seen.run?.progress.phase === 'lost') return lost(seen, seen.run.progress.message);
  const state = podState(seen.pod);
  if (state.kind === 'over' && state.reason === 'OOMKilled') {
    return finish(seen, { phase: 'Failed', reason: 'OOMKilled', message: state.message });
  }
  if (state.kind === 'over') return lost(seen, state.message);
  if (seen.sandbox?.status?.podUID === podUID) return undefined;
  return lost(seen, 'its pod was lost before the outcome was known');
}

/** An earlier leader may have handed it to a pod that is gone or was given up, unless there was none since it was created. */
function loseWhatMayHaveRun(seen: Observed): Decision | undefined {
  const { lostAt, suspendedAt } = seen.sandbox?.status ?? {};
  const goneAt = Math.max(timeOf(lostAt) ?? 0, timeOf(suspendedAt) ?? 0);
  if (goneAt === 0 || handedTo(seen) !== undefined) return undefined;
  if (seen.isNewcomer || createdAt(seen) > goneAt) return undefined;
  return lost(seen, 'its pod was lost, and whether it ran there is not known');
}

function giveUpOverdue(seen: Observed, settings: Settings): Decision | undefined {
  const deadline = outcomeDeadline(seen, settings);
  if (deadline === undefined || deadline > seen.now) return undefined;
  const { actions, ...rest } = lost(seen, 'no outcome long after its timeout');
  return { ...rest, actions: [{ type: 'cancelRun' }, ...actions] };
}

function cancelRun(seen: Observed, { cancelGraceMs }: Settings): Decision | undefined {
  if (!seen.execution.spec.cancel || seen.run === undefined) return undefined;
  const askedAt = seen.run.cancelledAt ?? seen.now;
  const leftMs = askedAt + cancelGraceMs - seen.now;
  if (leftMs > 0) return { actions: [{ type: 'cancelRun' }], lookAgainMs: leftMs };
  return cancelled(seen, 'the executor did not confirm in time');
}

function awaitReadySandbox(seen: Observed): Decision | undefined {
  if (seen.run !== undefined) return undefined;
  const { sandbox } = seen;
  const isServing = sandbox !== undefined && isConditionTrue(sandbox.status?.conditions, READY);
  if (!isServing || podState(seen.pod).kind === 'over') return { actions: [] };
  // Ready, and yet the cache of pods does not show the pod with an address: it lags.
  return seen.target === undefined ? { actions: [], lookAgainMs: POD_RECHECK_MS } : undefined;
}

const READY = SANDBOX_CONDITIONS.ready;
const POD_RECHECK_MS = 100;

/** So that what its code imports is there; one that was handed over before goes on. */
function awaitPackages({ execution, sandbox, pod, run }: Observed): Decision | undefined {
  if (run !== undefined || execution.status?.podUID !== undefined) return undefined;
  if (sandbox === undefined || pod === undefined) return undefined;
  return awaitsPackages(sandbox, pod) ? { actions: [] } : undefined;
}

/** The end of another one brings it back; only a wait that lasts is worth a write, and no write tells how far it has come. */
function awaitTurn(seen: Observed, { runningAfterMs }: Settings): Decision | undefined {
  if (handedTo(seen) !== undefined) return undefined;
  const limit = maxConcurrent(seen.template);
  if (placeInQueue(seen.ahead, limit) === 0) return undefined;
  const leftMs = timeCreated(seen) + runningAfterMs - seen.now;
  if (leftMs > 0) return { actions: [], lookAgainMs: leftMs };
  return { actions: [], status: queuedStatus(seen, limit) };
}

/** One that is known to have begun is only asked for: an executor that has forgotten it must not run it again. */
function startOrResume(seen: Observed, { runningAfterMs }: Settings): Decision | undefined {
  const { execution, sandbox, pod, target } = seen;
  if (seen.run !== undefined || sandbox === undefined) return undefined;
  if (pod === undefined || target === undefined) return undefined;
  const order: RunOrder = {
    uid: execution.metadata.uid,
    key: keyOf(refOf(execution)),
    sandboxKey: keyOf(refOf(sandbox)),
    podName: pod.metadata.name,
    target: forRequest(target, execution),
  };
  if (execution.status?.podUID !== undefined) return { actions: [{ type: 'followRun', order }] };
  const request = startRequestOf(execution, sandbox, executionTimeoutMs(seen));
  const start: Action = { type: 'followRun', order: { ...order, request } };
  return { actions: [start], lookAgainMs: runningAfterMs };
}

/** Only a run that lasts is worth a write. */
function reportRunning(seen: Observed, settings: Settings): Decision | undefined {
  const { run, execution, now } = seen;
  if (run?.progress.phase !== 'running' || execution.status?.phase === 'Running') return undefined;
  const leftMs = run.since + settings.runningAfterMs - now;
  if (leftMs > 0) return { actions: [], lookAgainMs: leftMs };
  const status = runningStatus(seen, run, run.progress.startedAt);
  return { actions: [], status, lookAgainMs: untilOverdueMs(seen, settings) };
}

function awaitOutcome(seen: Observed, settings: Settings): Decision {
  return { actions: [], lookAgainMs: untilOverdueMs(seen, settings) };
}

function untilOverdueMs(seen: Observed, settings: Settings): number {
  return Math.max((outcomeDeadline(seen, settings) ?? seen.now) - seen.now, 0);
}

/** By when a run that is followed must have come to an end, or its executor does not do its work. After a restart it is asked first, however late. */
function outcomeDeadline(seen: Observed, { outcomeGraceMs }: Settings): number | undefined {
  if (seen.run === undefined) return undefined;
  const begun = timeOf(seen.execution.status?.startedAt) ?? seen.run.since;
  return Math.max(begun + executionTimeoutMs(seen), seen.run.since) + outcomeGraceMs;
}

function executionTimeoutMs({ execution, sandbox, template }: Observed): number {
  const { timeoutSeconds } = execution.spec;
  if (timeoutSeconds !== undefined) return timeoutSeconds * 1_000;
  return sandbox === undefined ? 0 : timeoutsOf(sandbox, template).executionMs;
}

function createdAt({ execution, now }: Observed): number {
  return timeOf(execution.metadata.creationTimestamp) ?? now;
}

/** To the millisecond where that is known. */
function timeCreated({ execution, now }: Observed): number {
  return timeOf(createdAtOf(execution)) ?? now;
}

function isEnding(sandbox: Sandbox): boolean {
  const isAskedTo =
    sandbox.spec.desiredState === 'Terminated' || sandbox.metadata.deletionTimestamp !== undefined;
  return isAskedTo || isEnded(sandbox);
}

function endOf({ status }: Sandbox): string {
  const reason = status?.terminatedAt === undefined ? 'TerminatedByUser' : status.reason;
  return `its sandbox ended: ${reason ?? 'TerminatedByUser'}`;
}

function lost(seen: Observed, message: string): Decision {
  return finish(seen, { phase: 'Crashed', reason: 'ExecutorLost', message });
}

function cancelled(seen: Observed, message: string): Decision {
  return finish(seen, { phase: 'Cancelled', reason: 'Cancelled', message });
}

function finish(seen: Observed, ending: Ending): Decision {
  return { actions: [], status: finishedStatus(seen, ending) };
}

/** A status that says what the object says already is not written. */
function withoutVainWrite(seen: Observed, decision: Decision): Decision {
  const { actions, status, lookAgainMs } = decision;
  if (status === undefined || !sameStatus(seen.execution, status)) return decision;
  return lookAgainMs === undefined ? { actions } : { actions, lookAgainMs };
}
