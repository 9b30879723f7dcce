import type { SandboxStatus } from '../../crds/sandbox.ts';
import type { Settings } from '../settings.ts';
import { timeOf } from '../timestamp.ts';
import { expiresAt, startDeadline } from './deadlines.ts';
import { isOrdinary, isPassing } from './hindrance.ts';
import type { Observed } from './observe.ts';
import { quotaPauseMs } from './quota.ts';
import { pendingStatus } from './status.ts';

/** Nothing to do but to wait: whether that is told, and for how long it is. */
export interface Waiting {
  readonly actions: readonly [];
  /** The whole next status; absent: it stays. */
  readonly status?: SandboxStatus;
  /** When to look again, if nothing happens before. */
  readonly lookAgainMs: number;
}

/** A start that is over in no time need not be reported as pending. */
export function pending(seen: Observed, policy: Settings): Waiting {
  const createdAt = timeOf(seen.sandbox.metadata.creationTimestamp) ?? seen.now;
  const quietForMs = createdAt + policy.pendingQuietMs - seen.now;
  const isNew = seen.sandbox.status?.phase === undefined;
  if (isNew && quietForMs > 0) return { actions: [], lookAgainMs: quietForMs };
  const deadline = startDeadline(seen, policy);
  const slowInMs = deadline - policy.startTimeoutMs + policy.slowStartMs - seen.now;
  const dueInMs = untilDueMs(seen, deadline);
  const isNews = slowInMs <= 0 || !isOrdinary(seen.sandbox.status?.reason);
  const status = pendingStatus(seen);
  if (isNews || !isPassing(seen, status.reason))
    return { actions: [], status, lookAgainMs: dueInMs };
  // What an ordinary start waits for changes every moment, and each change would be a write.
  return { actions: [], lookAgainMs: Math.min(slowInMs, dueInMs) };
}

/** Past its deadline and not given up, it waits for an answer that is on its way. */
function untilDueMs(seen: Observed, deadline: number): number {
  const dueInMs = Math.min(deadline, expiresAt(seen) ?? deadline) - seen.now;
  return dueInMs > 0 ? dueInMs : OVERDUE_RECHECK_MS;
}

const OVERDUE_RECHECK_MS = 1_000;

/** Others may end and make room, so it is no failure before its start took too long. */
export function pendingForQuota(seen: Observed, policy: Settings): Waiting {
  const { lookAgainMs, ...waiting } = pending(seen, policy);
  const waitedMs = policy.startTimeoutMs - (startDeadline(seen, policy) - seen.now);
  return { ...waiting, lookAgainMs: Math.min(lookAgainMs, quotaPauseMs(waitedMs)) };
}
