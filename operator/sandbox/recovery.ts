import type { Settings } from '../settings.ts';
import { timeOf } from '../timestamp.ts';
import { isIdleDue } from './deadlines.ts';
import type { Decision } from './decision.ts';
import { fail, leaveUnused } from './ending.ts';
import { lossesWithThis, lossOf, recoveryDelayMs } from './loss.ts';
import type { Observed } from './observe.ts';
import { recoveringStatus } from './status.ts';

/** The rules of a sandbox whose pod was lost. */

/** Its executor can't say that it is in use, and nothing else does. */
export function endUnusedInsteadOfRecovering(
  seen: Observed,
  policy: Settings,
): Decision | undefined {
  const wasReady = seen.sandbox.status?.readyAt !== undefined;
  if (!wasReady || !isIdleDue(seen) || lossOf(seen, policy) === undefined) return undefined;
  return leaveUnused(seen);
}

export function failAfterManyLosses(seen: Observed, policy: Settings): Decision | undefined {
  const loss = lossOf(seen, policy);
  const losses = lossesWithThis(seen, policy);
  if (loss === undefined || losses <= policy.maxLossesInARow) return undefined;
  return fail(seen, loss.reason, `pod lost ${String(losses)} times in a row: ${loss.message}`);
}

/** The loss is written down first; the next look removes what is left of the old pod and makes the new one. */
export function recover(seen: Observed, policy: Settings): Decision | undefined {
  const loss = lossOf(seen, policy);
  if (loss === undefined) return undefined;
  const losses = lossesWithThis(seen, policy);
  const nextAttemptAt = seen.now + recoveryDelayMs(losses, policy);
  const status = recoveringStatus(seen, { loss, losses, nextAttemptAt });
  return { actions: [], status, lookAgainMs: 0 };
}

/** The status keeps saying why the last pod was lost. */
export function pauseBeforeRecovery(seen: Observed): Decision | undefined {
  const next = timeOf(seen.sandbox.status?.nextAttemptAt);
  if (seen.pod !== undefined || next === undefined || next <= seen.now) return undefined;
  return { actions: [], lookAgainMs: next - seen.now };
}
