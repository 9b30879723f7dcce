import { SANDBOX_CONDITIONS } from '../../crds/reasons.ts';
import type { SuspensionReason } from '../../crds/reasons.ts';
import type { SandboxStatus } from '../../crds/sandbox.ts';
import { findCondition } from '../../kube/conditions.ts';
import type { ConditionUpdate } from '../../kube/conditions.ts';
import type { Observed } from './observe.ts';

type Headline = Pick<SandboxStatus, 'phase' | 'reason' | 'message'>;

interface Hindrance {
  readonly reason: SuspensionReason;
  readonly message: string;
}

/** Whether it is suspended, and if not although it should be, why; nothing of one that nobody ever wanted suspended. */
export function suspended(seen: Observed, headline: Headline): ConditionUpdate | undefined {
  const { phase, reason = '', message = '' } = headline;
  if (phase === 'Suspended') return { type: TYPE, status: 'True', reason, message };
  if (phase === 'Suspending') return { type: TYPE, status: 'False', ...storing(message) };
  if (phase === 'Terminated' || phase === 'Failed') return noMore(seen, { reason, message });
  if (seen.sandbox.spec.desiredState === 'Suspended')
    return { type: TYPE, status: 'False', ...hindrance(seen) };
  return noMore(seen, { reason: RESUMED, message: '' });
}

const TYPE = SANDBOX_CONDITIONS.suspended;

function noMore(
  { sandbox: { status } }: Observed,
  words: Pick<ConditionUpdate, 'reason' | 'message'>,
): ConditionUpdate | undefined {
  const isTold = findCondition(status?.conditions, TYPE) !== undefined;
  return isTold ? { type: TYPE, status: 'False', ...words } : undefined;
}

const RESUMED: SuspensionReason = 'Resumed';

/** In words; undefined: it is not to be suspended. */
export function suspensionHindrance(seen: Observed): string | undefined {
  return seen.sandbox.spec.desiredState === 'Suspended' ? hindrance(seen).message : undefined;
}

function hindrance({ workspace }: Observed): Hindrance {
  return workspace === undefined ? NO_STORE : UNFINISHED;
}

const NO_STORE: Hindrance = {
  reason: 'NoObjectStore',
  message: 'it cannot be suspended: this installation has no object store to keep its files in',
};
const UNFINISHED: Hindrance = {
  reason: 'ExecutionsUnfinished',
  message: 'it is suspended once nothing is left to run',
};

/** What a suspension says as long as nothing hinders it. */
export const STORING = 'its last changes are being stored';

function storing(message: string): Hindrance {
  return { reason: message === STORING ? 'Suspending' : 'StorageUnavailable', message };
}
