import { timeOf } from '../timestamp.ts';
import type { Settings } from '../settings.ts';
import type { Action } from './act.ts';
import { isReady } from './deadlines.ts';
import type { Decision } from './decision.ts';
import type { Observed } from './observe.ts';
import { pending } from './pending.ts';
import { amountsOf, fitsResized, resizeOf } from './resize.ts';
import { renamedStatus } from './status.ts';

/** The rules of a start with a pod of a pool that is first given other resources. */

/** Once, and only at a first start that has time left for it: what it fails for, a full node, is likely to be there the next time too. */
export function mayResize(seen: Observed, policy: Settings): boolean {
  const { sandbox, pool } = seen;
  const { restarts = 0, suspensions = 0 } = sandbox.status ?? {};
  if (pool === undefined || !pool.canResize || restarts + suspensions > 0) return false;
  const isTimeLeft = seen.now < resizeDeadline(seen, policy) - policy.resizeTimeoutMs / 2;
  return isTimeLeft && fitsResized(sandbox, pool.template);
}

/** Not Ready before its node has applied it. A pod for which that does not come is given up like a lost one, and the next is the sandbox's own. */
export function awaitResize(seen: Observed, policy: Settings): Decision | undefined {
  const { sandbox, pod, learned } = seen;
  const resize = resizeOf(sandbox, pod);
  if (pod === undefined || resize === 'none' || resize === 'applied' || isReady(seen))
    return undefined;
  const leftMs = resizeDeadline(seen, policy) - seen.now;
  if (resize === 'refused' || learned?.type === 'resizeRefused' || leftMs <= 0)
    return { actions: [], status: renamedStatus(seen), lookAgainMs: 0 };
  const waiting = pending(seen, policy);
  const ask: Action = { type: 'resizePod', pod, amounts: amountsOf(sandbox) };
  return {
    ...waiting,
    actions: resize === 'unasked' ? [ask] : [],
    lookAgainMs: Math.min(waiting.lookAgainMs, leftMs),
  };
}

function resizeDeadline({ sandbox, now }: Observed, { resizeTimeoutMs }: Settings): number {
  return (timeOf(sandbox.metadata.creationTimestamp) ?? now) + resizeTimeoutMs;
}
