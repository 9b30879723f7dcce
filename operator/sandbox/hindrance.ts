import type { SandboxReason } from '../../crds/reasons.ts';
import { templateProblem } from '../sandbox-template/problem.ts';
import type { Observed } from './observe.ts';
import { mustRestore } from './workspace.ts';
import { podState } from './pod-state.ts';
import { resizeOf } from './resize.ts';

/** What keeps a sandbox from being Ready right now. */
export interface Hindrance {
  readonly reason: SandboxReason;
  readonly message: string;
}

export function hindranceOf(seen: Observed): Hindrance {
  if (seen.pod === undefined) return templateHindrance(seen) ?? quotaHindrance(seen) ?? AWAITS_POD;
  const state = podState(seen.pod);
  if (state.kind === 'waiting') return state;
  const resizing = resizeHindrance(seen);
  if (resizing !== undefined) return resizing;
  if (seen.executor.answeredAt !== undefined && mustRestore(seen)) return restoring(seen);
  return seen.executor.hasOpenNetwork === true ? NETWORK_OPEN : EXECUTOR_STARTING;
}

/**
 * Whether nothing hinders it but that we have not come to it: its pod was not tried yet, or its executor not asked. An operator that has thousands of sandboxes to look at may come to
 * one long after it was created, and must not take that for a fault of the sandbox.
 */
export function isWorkOfOurs({ target, executor }: Observed, hindrance: Hindrance): boolean {
  if (hindrance === AWAITS_POD) return true;
  const isUnasked = target !== undefined && executor.silentSince === undefined;
  return hindrance === EXECUTOR_STARTING && isUnasked;
}

const EXECUTOR_STARTING: Hindrance = {
  reason: 'ExecutorStarting',
  message: 'the executor does not answer yet',
};
const NETWORK_OPEN: Hindrance = {
  reason: 'NetworkOpen',
  message:
    'the pod still reaches the API server, which its NetworkPolicy forbids; if this stays so, the cluster does not enforce NetworkPolicies',
};
function resizeHindrance({ sandbox, pod }: Observed): Hindrance | undefined {
  const resize = resizeOf(sandbox, pod);
  if (resize === 'none' || resize === 'applied') return undefined;
  return {
    reason: 'PodResizing',
    message: 'its pod is being given the resources of spec.resources',
  };
}

function restoring({ workspace }: Observed): Hindrance {
  const problem = workspace?.problem;
  const message = problem === undefined ? 'its files come back' : `its files come back: ${problem}`;
  return { reason: 'WorkspaceRestoring', message };
}

const AWAITS_POD: Hindrance = { reason: 'PodPending', message: 'the pod is about to be created' };

/** Matters only as long as there is no pod: a running sandbox does not need its template any more. */
export function templateHindrance({ sandbox, template }: Observed): Hindrance | undefined {
  const { name } = sandbox.spec.templateRef;
  if (template === undefined) {
    return { reason: 'TemplateNotFound', message: `there is no SandboxTemplate ${name}` };
  }
  const problem = templateProblem(template);
  if (problem === undefined) return undefined;
  return { reason: 'TemplateInvalid', message: `SandboxTemplate ${name}: ${problem}` };
}

/** As it was learned just now, or as it is told already. */
function quotaHindrance({ learned, sandbox: { status } }: Observed): Hindrance | undefined {
  const reason = 'QuotaExceeded';
  if (learned?.type === 'quotaExceeded') return { reason, message: learned.message };
  return status?.reason === reason ? { reason, message: status.message ?? '' } : undefined;
}

const MERELY_SLOW: ReadonlySet<SandboxReason> = new Set([
  'PodPending',
  'PodResizing',
  'ExecutorStarting',
]);
const ORDINARY: ReadonlySet<SandboxReason> = new Set([...MERELY_SLOW, 'NetworkOpen']);

/** What every start passes through. */
export function isOrdinary(reason: SandboxReason | undefined): boolean {
  return reason !== undefined && ORDINARY.has(reason);
}

/** Not worth a write as long as it does not take its time: what every start passes through, and files that come without trouble. */
export function isPassing({ workspace }: Observed, reason: SandboxReason | undefined): boolean {
  const isSmooth = reason === 'WorkspaceRestoring' && workspace?.problem === undefined;
  return isSmooth || isOrdinary(reason);
}

/** The reason of a start that took too long: the hindrance itself where it says more than "too slow". */
export function overdueReason({ reason }: Hindrance): SandboxReason {
  return MERELY_SLOW.has(reason) ? 'StartTimeout' : reason;
}
