import type { Execution } from '../../crds/execution.ts';
import type { RunView } from './runs.ts';

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
