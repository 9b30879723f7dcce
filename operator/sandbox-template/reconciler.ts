import { SANDBOX_TEMPLATES } from '../../crds/sandbox-template.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Reconcile } from '../../kube/reconciler.ts';
import { writeStatus } from '../status-writer.ts';
import { decide } from './decide.ts';
import { observe } from './observe.ts';
import type { ObserveDeps } from './observe.ts';

export interface SandboxTemplateDeps extends ObserveDeps {
  readonly client: KubeClient;
}

/** Observe, decide, report. */
export function sandboxTemplateReconciler(deps: SandboxTemplateDeps): Reconcile {
  return async (key, { signal }) => {
    const seen = observe(deps, key);
    if (seen === undefined) return {};
    const { status } = decide(seen);
    if (status === undefined) return {};
    const object = seen.template;
    await writeStatus(deps.client, { type: SANDBOX_TEMPLATES, object, status, signal });
    return {};
  };
}
