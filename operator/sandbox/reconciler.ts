import { SANDBOXES } from '../../crds/sandbox.ts';
import type { Sandbox, SandboxStatus } from '../../crds/sandbox.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Logger } from '../../kube/logger.ts';
import { keyOf, refOf } from '../../kube/objects.ts';
import type { Reconcile } from '../../kube/reconciler.ts';
import { requestIdOf } from '../for-request.ts';
import type { OperatorMetrics } from '../metrics.ts';
import { writeStatus } from '../status-writer.ts';
import { WATCH_LAG_MS } from '../watch-lag.ts';
import { act } from './act.ts';
import type { ActDeps } from './act.ts';
import { decide } from './decide.ts';
import type { Policy } from './decision.ts';
import type { Decision } from './decision.ts';
import { eventsFor } from './events.ts';
import { observe, withLearned } from './observe.ts';
import type { ObserveDeps, Observed } from './observe.ts';

export interface SandboxDeps extends ObserveDeps, ActDeps {
  readonly policy: Policy;
  readonly events: EventRecorder;
  readonly metrics: OperatorMetrics;
  readonly logger: Logger;
}

/** Observe, decide, act, report. */
export function sandboxReconciler(deps: SandboxDeps): Reconcile {
  let firstLookAt: number | undefined;
  return async (key, { signal }) => {
    const lookAt = deps.clock.monotonic();
    firstLookAt ??= lookAt;
    const isNewLeader = lookAt - firstLookAt < WATCH_LAG_MS;
    const observed = await observe(deps, key, { isNewLeader, signal });
    if (observed === undefined) return {};
    const { seen, decision } = await carryOut(deps, observed, signal);
    await report(deps, seen.sandbox, { decision, signal });
    return decision.lookAgainMs === undefined ? {} : { requeueAfterMs: decision.lookAgainMs };
  };
}

/** Acts until there is nothing left to learn from it. */
async function carryOut(
  deps: SandboxDeps,
  observed: Observed,
  signal: AbortSignal,
): Promise<{ readonly seen: Observed; readonly decision: Decision }> {
  let seen = observed;
  for (;;) {
    const decision = decide(seen, deps.policy);
    const learned = await act(deps, decision.actions, { sandbox: seen.sandbox, signal });
    if (learned === undefined) return { seen, decision };
    seen = withLearned(deps, seen, learned);
  }
}

async function report(
  deps: SandboxDeps,
  sandbox: Sandbox,
  { decision, signal }: { readonly decision: Decision; readonly signal: AbortSignal },
): Promise<void> {
  const { status, ifUnchanged = false } = decision;
  if (status === undefined) return;
  const write = { type: SANDBOXES, object: sandbox, status, ifUnchanged, signal };
  const written = await writeStatus(deps.client, write);
  if (written === undefined) return;
  deps.writes.note(sandbox, written);
  deps.metrics.sandboxReported(sandbox, status);
  logPhase(deps.logger, sandbox, status);
  for (const event of eventsFor(sandbox, status)) deps.events.record(event);
}

function logPhase(logger: Logger, sandbox: Sandbox, { phase, reason }: SandboxStatus): void {
  if (sandbox.status?.phase === phase) return;
  const requestId = requestIdOf(sandbox);
  logger.info('sandbox', { sandbox: keyOf(refOf(sandbox)), requestId, phase, reason });
}
