import type { Execution, ExecutionStatus } from '../../crds/execution.ts';
import type { ObjectEvent } from '../../kube/events.ts';

/** Events are writes too, and a run's outcome stands in its status: only what the user's code did not cause becomes one. */
export function eventsFor(execution: Execution, next: ExecutionStatus): readonly ObjectEvent[] {
  if (next.phase !== 'Crashed' || execution.status?.phase === 'Crashed') return [];
  const reason = next.reason ?? 'ExecutorLost';
  const note = next.message ?? reason;
  return [{ regarding: execution, type: 'Warning', reason, action: 'Run', note }];
}
