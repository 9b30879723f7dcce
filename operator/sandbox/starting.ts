import { FINALIZER } from '../../crds/names.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import { fitsPool } from '../../crds/warm-pool.ts';
import { hasFinalizer } from '../../kube/finalizers.ts';
import type { Settings } from '../settings.ts';
import type { Action } from './act.ts';
import { isIdleDue, isReady, startDeadline } from './deadlines.ts';
import type { Decision, Policy } from './decision.ts';
import { fail, leaveUnused } from './ending.ts';
import { askHealth } from './health.ts';
import { hindranceOf, isWorkOfOurs, overdueReason, templateHindrance } from './hindrance.ts';
import type { Observed } from './observe.ts';
import { pending, pendingForQuota } from './pending.ts';
import { buildPod } from './pod.ts';
import { podState } from './pod-state.ts';
import { preferring } from './preferred-nodes.ts';
import { mayResize } from './resizing.ts';
import { renamedStatus } from './status.ts';
import { mayClaim } from './suspension.ts';
import { mustRestore, restore } from './workspace.ts';

/** The rules of a start, the first and every later one: from no pod to one that is ready. */

export function failRefused(seen: Observed): Decision | undefined {
  if (seen.learned?.type !== 'podRefused') return undefined;
  return fail(seen, 'PodRejected', seen.learned.message);
}

/** Another sandbox may be called like our first replacement, `<name>-1`. */
export function avoidTakenName(seen: Observed): Decision | undefined {
  if (seen.learned?.type !== 'podNameTaken') return undefined;
  return { actions: [], status: renamedStatus(seen), lookAgainMs: 0 };
}

export function failOverdueStart(seen: Observed, policy: Settings): Decision | undefined {
  if (isReady(seen) || startDeadline(seen, policy) > seen.now || waitsForFiles(seen))
    return undefined;
  const hindrance = hindranceOf(seen);
  if (isWorkOfOurs(seen, hindrance)) return undefined;
  const seconds = String(policy.startTimeoutMs / 1_000);
  const message = `not ready within ${seconds} s: ${hindrance.message}`;
  return fail(seen, overdueReason(hindrance), message);
}

export function awaitTemplate(seen: Observed, policy: Settings): Decision | undefined {
  if (seen.pod !== undefined || templateHindrance(seen) === undefined) return undefined;
  return pending(seen, policy);
}

export function awaitQuota(seen: Observed, policy: Settings): Decision | undefined {
  return seen.learned?.type === 'quotaExceeded' ? pendingForQuota(seen, policy) : undefined;
}

/** The pod of a sandbox that starts or resumes may be one that waits already, if that is or can be made what the sandbox asks for. */
export function startInPoolPod(seen: Observed, policy: Settings): Decision | undefined {
  const { sandbox, pod, pool, learned } = seen;
  if (pod !== undefined || pool === undefined || learned?.type === 'poolEmpty') return undefined;
  if (!mayClaim(sandbox)) return undefined;
  const resizes = !fitsPool(sandbox.spec, pool.template);
  if (resizes && !mayResize(seen, policy)) return undefined;
  const claim: Action = { type: 'claimPod', pool: { ...pool, resizes } };
  return { actions: finalizerFirst(sandbox, claim), lookAgainMs: 0 };
}

export function startInOwnPod(seen: Observed, policy: Policy): Decision | undefined {
  const { sandbox, template, pod, nodes } = seen;
  if (pod !== undefined || template === undefined) return undefined;
  const draft = preferring(buildPod(sandbox, template, policy.pod), nodes);
  const missesPool =
    template.spec.warmPool.size > 0 && mayClaim(sandbox) && fitsPool(sandbox.spec, template);
  const create: Action = { type: 'createPod', pod: draft, missesPool };
  return { actions: finalizerFirst(sandbox, create), lookAgainMs: policy.pendingQuietMs };
}

/** Without one the pod could outlive its sandbox. */
function finalizerFirst(sandbox: Sandbox, action: Action): readonly Action[] {
  const hasIt = hasFinalizer(sandbox, FINALIZER.sandbox);
  return hasIt ? [action] : [{ type: 'addFinalizer' }, action];
}

export function awaitPod(seen: Observed, policy: Settings): Decision | undefined {
  if (podState(seen.pod).kind !== 'waiting') return undefined;
  return pending(seen, policy);
}

export function awaitExecutor(seen: Observed, policy: Settings): Decision | undefined {
  if (isReady(seen) || seen.executor.answeredAt !== undefined) return undefined;
  return { ...pending(seen, policy), actions: askHealth(seen, 'awaited') };
}

/** Better late than with other files than its user left: the store may be away for long, and only idleness and lifetime end that. */
export function restoreFiles(seen: Observed, policy: Settings): Decision | undefined {
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
