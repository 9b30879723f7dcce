import { timestamp } from '../timestamp.ts';
import type { Action } from './act.ts';
import { expiresAt, idleDeadline, isIdleDue, isReady, knownUse } from './deadlines.ts';
import type { Decision, Policy } from './decision.ts';
import { leaveUnused } from './ending.ts';
import { askHealthIfDue, healthDueAt } from './health.ts';
import { lossOf } from './loss.ts';
import type { Observed } from './observe.ts';
import { packageStep } from './packages.ts';
import { runningStatus } from './status.ts';
import { storeChanges, storeQuietUntil } from './workspace.ts';

/** The rules of a sandbox that serves, for as long as it is used. */

/** The executor knows of files and streams that were used and left no trace elsewhere. */
export function askWhetherIdle(seen: Observed): Decision | undefined {
  if (!isReady(seen) || !isIdleDue(seen) || wasAskedWhetherIdle(seen)) return undefined;
  if (seen.target === undefined) return undefined;
  const ask: Action = { type: 'askActivity', target: seen.target };
  return { actions: [ask], lookAgainMs: ACTIVITY_RECHECK_MS };
}

const ACTIVITY_RECHECK_MS = 1_000;

function wasAskedWhetherIdle(seen: Observed): boolean {
  const deadline = idleDeadline(seen, knownUse(seen));
  const askedAt = seen.executor.activity?.askedAt;
  return deadline !== undefined && askedAt !== undefined && askedAt >= deadline;
}

export function endIdle(seen: Observed): Decision | undefined {
  return isReady(seen) && isIdleDue(seen) ? leaveUnused(seen) : undefined;
}

/** Its pod was about to be given up and is wanted still. */
export function serveAfterAll(seen: Observed, policy: Policy): Decision | undefined {
  if (seen.sandbox.status?.phase !== 'Suspending' || lossOf(seen, policy) !== undefined)
    return undefined;
  const { sandbox } = seen;
  const status = { ...sandbox.status, resumedAt: timestamp(seen.now) };
  return serve({ ...seen, sandbox: { ...sandbox, status } }, policy);
}

export function serve(seen: Observed, policy: Policy): Decision {
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
