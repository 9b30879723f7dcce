import { sameStatus } from '../status-writer.ts';
import type { Decision, Policy } from './decision.ts';
import { cleanUpDeleted, cleanUpEnded, endByLifetime, endByUser, expireEnded } from './ending.ts';
import type { Observed } from './observe.ts';
import {
  endUnusedInsteadOfRecovering,
  failAfterManyLosses,
  pauseBeforeRecovery,
  recover,
} from './recovery.ts';
import { askWhetherIdle, endIdle, serve, serveAfterAll } from './serving.ts';
import {
  avoidTakenName,
  awaitExecutor,
  awaitPod,
  awaitQuota,
  awaitTemplate,
  failOverdueStart,
  failRefused,
  restoreFiles,
  startInOwnPod,
  startInPoolPod,
} from './starting.ts';
import { withoutStrays } from './strays.ts';
import { awaitResize } from './resizing.ts';
import { staySuspended, suspend } from './suspension.ts';
import { withWorkspace } from './workspace.ts';

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
  startInPoolPod,
  startInOwnPod,
  awaitResize,
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
