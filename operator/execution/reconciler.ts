import { EXECUTIONS, isFinished } from '../../crds/execution.ts';
import type { Execution, ExecutionStatus } from '../../crds/execution.ts';
import { InvalidError } from '../../kube/errors.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Reconcile } from '../../kube/reconciler.ts';
import { keyOf, refOf } from '../../kube/objects.ts';
import { requestIdOf } from '../for-request.ts';
import type { OperatorMetrics } from '../metrics.ts';
import type { Settings } from '../settings.ts';
import { writeStatus } from '../status-writer.ts';
import { act } from './act.ts';
import type { ActDeps } from './act.ts';
import { decide } from './decide.ts';
import { eventsFor } from './events.ts';
import { observe } from './observe.ts';
import type { ObserveDeps, Observed } from './observe.ts';
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
    if (status !== undefined) await report(deps, seen, { status, signal });
    return lookAgainMs === undefined ? {} : { requeueAfterMs: lookAgainMs };
  };
}

interface Report {
  readonly status: ExecutionStatus;
  readonly signal: AbortSignal;
}

async function report(deps: ExecutionDeps, seen: Observed, report: Report): Promise<void> {
  const { execution } = seen;
  const written = await write(deps, seen, report);
  if (written === undefined) return;
  deps.writes.note(execution, written);
  if (written.status === undefined || !isFinished(written)) return;
  deps.metrics.executionFinished(written.status);
  const { phase, reason } = written.status;
  const requestId = requestIdOf(execution);
  deps.logger.info('execution', { execution: keyOf(refOf(execution)), requestId, phase, reason });
  for (const event of eventsFor(execution, written.status)) deps.events.record(event);
}

/** The executor's answer is hostile input; if the server refuses it for good, the run must end all the same. */
async function write(
  { client }: ExecutionDeps,
  seen: Observed,
  { status, signal }: Report,
): Promise<Execution | undefined> {
  const write = { type: EXECUTIONS, object: seen.execution, signal };
  try {
    return await writeStatus(client, { ...write, status });
  } catch (error) {
    if (!(error instanceof InvalidError) || status.finishedAt === undefined) throw error;
    const bare = unstorableStatus(seen, status, error.message);
    return writeStatus(client, { ...write, status: bare });
  }
}
