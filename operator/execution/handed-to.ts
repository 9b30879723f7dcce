import type { Execution } from '../../crds/execution.ts';
import type { InFlightRuns, RunView } from './runs.ts';

/** The UID of the pod that an execution was handed to, as far as this process or the status knows. */
export function handedTo({
  execution,
  run,
}: {
  readonly execution: Execution;
  readonly run: RunView | undefined;
}): string | undefined {
  return run?.podUID ?? execution.status?.podUID;
}

/** Whether this process or the status knows of a pod that has it. */
export function isHandedOver(execution: Execution, runs: Pick<InFlightRuns, 'view'>): boolean {
  return handedTo({ execution, run: runs.view(execution.metadata.uid) }) !== undefined;
}
