import { EXECUTIONS, type Execution } from '../crds/execution.ts';
import { LABEL, MANAGED_BY } from '../crds/names.ts';
import { SANDBOXES, type Sandbox } from '../crds/sandbox.ts';
import { SANDBOX_TEMPLATES, type SandboxTemplate } from '../crds/sandbox-template.ts';
import type { ReadCache } from '../kube/cache.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Logger } from '../kube/logger.ts';
import type { RuntimeMetrics } from '../kube/metrics.ts';
import { ObjectCache } from '../kube/object-cache.ts';
import { PODS, type Pod } from '../kube/pod.ts';
import { slimPod } from '../kube/slim-pod.ts';
import { EXECUTIONS_BY_SANDBOX, UNFINISHED_BY_SANDBOX } from './executions.ts';
import { PODS_BY_OWNER } from './executor-of.ts';
import { WAITING_BY_TEMPLATE } from './room.ts';

/** What is live, by kind, for those who only read it. */
export interface KnownObjects {
  readonly sandboxes: ReadCache<Sandbox>;
  readonly templates: ReadCache<SandboxTemplate>;
  readonly executions: ReadCache<Execution>;
  readonly pods: ReadCache<Pod>;
}

/** What the REST API reads from. */
export interface ApiCaches extends KnownObjects {
  readonly sandboxes: ObjectCache<Sandbox>;
  readonly templates: ObjectCache<SandboxTemplate>;
  readonly executions: ObjectCache<Execution>;
  readonly pods: ObjectCache<Pod>;
}

export interface ApiCachesOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly logger: Logger;
  readonly metrics?: RuntimeMetrics;
}

/** The indexes that the cache of executions must have. */
export const EXECUTION_INDEXES = {
  [EXECUTIONS_BY_SANDBOX.name]: EXECUTIONS_BY_SANDBOX.of,
  [UNFINISHED_BY_SANDBOX.name]: UNFINISHED_BY_SANDBOX.of,
};

/** The indexes that the cache of sandboxes must have. */
export const SANDBOX_INDEXES = { [WAITING_BY_TEMPLATE.name]: WAITING_BY_TEMPLATE.of };

/** Caches with the indexes that the REST API asks for; not started. */
export function createApiCaches(options: ApiCachesOptions): ApiCaches {
  return {
    sandboxes: new ObjectCache<Sandbox>({
      ...options,
      type: SANDBOXES,
      indexes: SANDBOX_INDEXES,
    }),
    templates: new ObjectCache<SandboxTemplate>({ ...options, type: SANDBOX_TEMPLATES }),
    executions: new ObjectCache<Execution>({
      ...options,
      type: EXECUTIONS,
      indexes: EXECUTION_INDEXES,
    }),
    pods: new ObjectCache<Pod>({
      ...options,
      type: PODS,
      labelSelector: `${LABEL.managedBy}=${MANAGED_BY}`,
      transform: slimPod,
      indexes: { [PODS_BY_OWNER.name]: PODS_BY_OWNER.of },
    }),
  };
}

/** Resolves once every cache has its first list. */
export async function startCaches(caches: ApiCaches, signal: AbortSignal): Promise<void> {
  for (const cache of allCaches(caches)) cache.start();
  await Promise.all(allCaches(caches).map((cache) => cache.whenSynced(signal)));
}

export async function stopCaches(caches: ApiCaches): Promise<void> {
  await Promise.all(allCaches(caches).map((cache) => cache.stop()));
}

export function allCaches({ sandboxes, templates, executions, pods }: ApiCaches) {
  return [sandboxes, templates, executions, pods] as const;
}
