import { EXECUTIONS, isFinished } from '../../crds/execution.ts';
import type { Execution, ExecutionStatus } from '../../crds/execution.ts';
import { InvalidError } from '../../kube/errors.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Reconcile } from '../../kube/reconciler.ts';
import type { OperatorMetrics } from '../metrics.ts';
import type { Settings } from '../settings.ts';
import { writeStatus } from '../status-writer.ts';
import { act } from './act.ts';
import type { ActDeps } from './act.ts';
import { decide } from './decide.ts';
import { eventsFor } from './events.ts';
import { observe } from './observe.ts';
import type { ObserveDeps } from './observe.ts';
import { unstorableStatus } from './status.ts';

export interface ExecutionDeps extends ObserveDeps, ActDeps {
  readonly settings: Settings;
  readonly events: EventRecorder;
  readonly metrics: OperatorMetrics;
}

/** Observe, decide, act, report. */
export function executionReconciler(deps: ExecutionDeps): Reconcile {
  return async (key, { signal }) => {
    const seen = await observe(deps, key, signal);
    if (seen === undefined) return {};
    const { execution } = seen;
    const { actions, status, lookAgainMs } = decide(seen, deps.settings);
    await act(deps, actions, { execution, signal });
    if (status !== undefined) await report(deps, execution, { status, signal });
    return lookAgainMs === undefined ? {} : { requeueAfterMs: lookAgainMs };
  };
}

interface Report {
  readonly status: ExecutionStatus;
  readonly signal: AbortSignal;
}

async function report(
  deps: ExecutionDeps,
  execution: Execution,
  { status, signal }: Report,
): Promise<void> {
  const write = { type: EXECUTIONS, object: execution, signal };
  const written = await writeStatus(deps.client, { ...write, status }).catch((error: unknown) => {
    // The executor's answer is hostile input; if the server refuses it for good, the run must end all the same.
    if (!(error instanceof InvalidError)) throw error;
    return writeStatus(deps.client, { ...write, status: unstorableStatus(status, error.message) });
  });
  if (written === undefined) return;
  deps.writes.note(execution, written);
  if (written.status === undefined || !isFinished(written)) return;
  deps.metrics.executionFinished(written.status);
  for (const event of eventsFor(execution, written.status)) deps.events.record(event);
}
