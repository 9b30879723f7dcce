import { EXECUTIONS, isFinished } from '../crds/execution.ts';
import type { Execution } from '../crds/execution.ts';
import { LABEL, MANAGED_BY } from '../crds/names.ts';
import { SANDBOXES } from '../crds/sandbox.ts';
import type { Sandbox } from '../crds/sandbox.ts';
import { SANDBOX_TEMPLATES } from '../crds/sandbox-template.ts';
import type { SandboxTemplate } from '../crds/sandbox-template.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import type { Logger } from '../kube/logger.ts';
import type { RuntimeMetrics } from '../kube/metrics.ts';
import type { IndexFunction } from '../kube/cache.ts';
import { ObjectCache } from '../kube/object-cache.ts';
import { controllerOf, keyOf } from '../kube/objects.ts';
import type { KubeObject } from '../kube/objects.ts';
import { PODS } from '../kube/pod.ts';
import type { Pod } from '../kube/pod.ts';
import { slimPod } from '../kube/slim-pod.ts';

/** The kinds that the operator watches, each once, shared by its controllers and by whoever runs in the same process. */
export interface Caches {
  readonly sandboxes: ObjectCache<Sandbox>;
  readonly templates: ObjectCache<SandboxTemplate>;
  readonly executions: ObjectCache<Execution>;
  readonly pods: ObjectCache<Pod>;
}

export const INDEX = {
  /** Sandboxes by the key of their template. */
  template: 'template',
  /** Executions by the key of their sandbox. */
  sandbox: 'sandbox',
  /** Executions that have not ended, by the key of their sandbox. */
  unfinished: 'unfinished',
  /** Pods by the UID of their controlling owner. */
  owner: 'owner',
  /** Pods by the key of the template that they were made from. */
  madeFrom: 'madeFrom',
} as const;

export interface CacheOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: () => number;
  readonly metrics: RuntimeMetrics;
  /** Further indexes of pods, for others who read the cache; it then keeps pods whole. */
  readonly podIndexes?: Readonly<Record<string, IndexFunction<Pod>>> | undefined;
}

export function createCaches({ podIndexes, ...options }: CacheOptions): Caches {
  return {
    sandboxes: new ObjectCache({
      ...options,
      type: SANDBOXES,
      indexes: { [INDEX.template]: (sandbox) => [templateKeyOf(sandbox)] },
    }),
    templates: new ObjectCache({ ...options, type: SANDBOX_TEMPLATES }),
    executions: new ObjectCache({
      ...options,
      type: EXECUTIONS,
      indexes: {
        [INDEX.sandbox]: (execution) => [sandboxKeyOf(execution)],
        [INDEX.unfinished]: (execution) => (isFinished(execution) ? [] : [sandboxKeyOf(execution)]),
      },
    }),
    pods: new ObjectCache({
      ...options,
      type: PODS,
      labelSelector: `${LABEL.managedBy}=${MANAGED_BY}`,
      // Who else reads it may be the kubelet of a local run, which starts them by what they say.
      ...(podIndexes === undefined ? { transform: slimPod } : {}),
      indexes: {
        ...podIndexes,
        [INDEX.owner]: (pod) => [controllerOf(pod)?.uid ?? ''],
        [INDEX.madeFrom]: (pod) => [siblingKey(pod, pod.metadata.labels?.[LABEL.template] ?? '')],
      },
    }),
  };
}

/** The cache key of the template that a sandbox names. */
export function templateKeyOf(sandbox: Sandbox): string {
  return siblingKey(sandbox, sandbox.spec.templateRef.name);
}

/** The cache key of the sandbox that an execution names. */
export function sandboxKeyOf(execution: Execution): string {
  return siblingKey(execution, execution.spec.sandboxRef.name);
}

function siblingKey({ metadata }: KubeObject, name: string): string {
  return keyOf({ namespace: metadata.namespace ?? '', name });
}
