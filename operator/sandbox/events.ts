import { SANDBOX_CONDITIONS } from '../../crds/reasons.ts';
import type { Sandbox, SandboxStatus } from '../../crds/sandbox.ts';
import { findCondition } from '../../kube/conditions.ts';
import type { EventType, ObjectEvent } from '../../kube/events.ts';
import { isOrdinary } from './hindrance.ts';

/**
 * What a change of status tells the people who run `kubectl describe`. Events are writes too, so only what they would
 * not expect becomes one: the ordinary start and the end that they asked for do not.
 */
export function eventsFor(sandbox: Sandbox, next: SandboxStatus): readonly ObjectEvent[] {
  return [...headlineEvents(sandbox, next), ...fileEvents(sandbox, next)];
}

function headlineEvents(sandbox: Sandbox, next: SandboxStatus): readonly ObjectEvent[] {
  const { status } = sandbox;
  const isNews = status?.phase !== next.phase || status?.reason !== next.reason;
  const kind = isNews ? kindOf(status?.phase, next) : undefined;
  if (kind === undefined || next.reason === undefined) return [];
  const note = next.message ?? next.reason;
  return [{ regarding: sandbox, reason: next.reason, note, ...kind }];
}

/** Files that are not safe. */
function fileEvents(sandbox: Sandbox, next: SandboxStatus): readonly ObjectEvent[] {
  const type = SANDBOX_CONDITIONS.workspaceStored;
  const before = findCondition(sandbox.status?.conditions, type);
  const now = findCondition(next.conditions, type);
  if (now?.status !== 'False' || now.reason === before?.reason) return [];
  const { reason, message: note } = now;
  return [{ regarding: sandbox, reason, note, type: 'Warning', action: 'StoreFiles' }];
}

interface EventKind {
  readonly type: EventType;
  readonly action: string;
}

function kindOf(before: SandboxStatus['phase'], next: SandboxStatus): EventKind | undefined {
  switch (next.phase) {
    case 'Failed':
      return { type: 'Warning', action: 'Fail' };
    case 'Recovering':
      return before === 'Recovering' ? undefined : { type: 'Warning', action: 'ReplacePod' };
    case 'Suspended':
      return next.reason === 'SuspendedByUser' ? undefined : { type: 'Normal', action: 'Suspend' };
    case 'Terminated':
      return next.reason === 'TerminatedByUser' ? undefined : ENDED;
    case 'Pending':
      return isOrdinary(next.reason) ? undefined : { type: 'Warning', action: 'Start' };
    default:
      return undefined;
  }
}

const ENDED: EventKind = { type: 'Normal', action: 'Terminate' };
