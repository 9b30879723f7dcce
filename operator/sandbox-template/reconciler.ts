import { SANDBOX_TEMPLATES } from '../../crds/sandbox-template.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Reconcile } from '../../kube/reconciler.ts';
import type { Settings } from '../settings.ts';
import { writeStatus } from '../status-writer.ts';
import { act } from './act.ts';
import type { ActDeps } from './act.ts';
import { decide } from './decide.ts';
import { packagesFailed, poolRefused } from './events.ts';
import { observe } from './observe.ts';
import type { ObserveDeps } from './observe.ts';

export interface SandboxTemplateDeps extends ObserveDeps, ActDeps {
  readonly client: KubeClient;
  readonly events: EventRecorder;
  readonly settings: Settings;
}

/** Observe, decide, act, report. */
export function sandboxTemplateReconciler(deps: SandboxTemplateDeps): Reconcile {
  const reported = new Map<string, number>();
  return async (key, { signal }) => {
    const seen = observe(deps, key, reported.get(key));
    if (seen === undefined) {
      reported.delete(key);
      deps.pools.expectations.forget(key);
      deps.pools.failures.forget(key);
      return {};
    }
    const { template } = seen;
    const { actions, packagesProblem, status, lookAgainMs } = decide(seen, deps.settings);
    const refusal = await act(deps, actions, { template, signal });
    if (packagesProblem !== undefined)
      deps.events.record(packagesFailed(template, packagesProblem));
    if (refusal !== undefined) deps.events.record(poolRefused(template, refusal));
    if (status !== undefined) {
      await writeStatus(deps.client, { type: SANDBOX_TEMPLATES, object: template, status, signal });
      reported.set(key, deps.clock.now());
    }
    const soonMs = refusal === undefined ? lookAgainMs : REFUSAL_PAUSE_MS;
    return soonMs === undefined ? {} : { requeueAfterMs: soonMs };
  };
}

/** A quota may have room again. */
const REFUSAL_PAUSE_MS = 15_000;
