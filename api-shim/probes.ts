import type { ExecutorClient, ExecutorTarget } from '../executor/client.ts';
import type { Clock } from '../kube/clock.ts';
import type { KubeClient } from '../kube/client.ts';
import { SANDBOX_TEMPLATES } from '../crds/sandbox-template.ts';
import type { Sandbox } from '../crds/sandbox.ts';
import { DeadlineError, withDeadline } from './deadline.ts';
import type { Executors } from './executor-of.ts';

/** Resolves if what it asks answers; rejects if not. */
export type Probe = (signal: AbortSignal) => Promise<unknown>;

/** What the control plane rests on. Absent: not used by this installation. */
export const DEPENDENCIES = ['database', 'storage', 'kubernetes_api', 'runtime_nodes'] as const;
export type Dependency = (typeof DEPENDENCIES)[number];
export type Probes = Readonly<Partial<Record<Dependency, Probe>>>;

export const DEPENDENCY_STATES = ['healthy', 'unhealthy', 'disabled'] as const;
export type DependencyState = (typeof DEPENDENCY_STATES)[number];

const PROBE_MS = 2_000;

/** Asks all at once, each for two seconds at most. */
export async function probeAll(
  probes: Probes,
  clock: Clock,
): Promise<Record<Dependency, DependencyState>> {
  const [database, storage, kubernetes_api, runtime_nodes] = await Promise.all(
    DEPENDENCIES.map((name) => stateOf(probes[name], clock)),
  );
  return {
    database: database ?? 'disabled',
    storage: storage ?? 'disabled',
    kubernetes_api: kubernetes_api ?? 'disabled',
    runtime_nodes: runtime_nodes ?? 'disabled',
  };
}

async function stateOf(probe: Probe | undefined, clock: Clock): Promise<DependencyState> {
  if (probe === undefined) return 'disabled';
  const reason = new DeadlineError('it did not answer in time');
  try {
    await withDeadline({ clock, ms: PROBE_MS, reason, signals: [] }, probe);
    return 'healthy';
  } catch {
    return 'unhealthy';
  }
}

/** A small question to the Kubernetes API. */
export function kubernetesProbe(client: KubeClient, namespace: string): Probe {
  return (signal) => client.list(SANDBOX_TEMPLATES, { namespace, limit: 1, signal });
}

/** Of so many executors of a node one must answer: a single one may have been broken by the code in it. */
const SAMPLE = 3;

/** Every node that runs sandboxes has one that answers. */
export function nodesProbe(deps: {
  readonly sandboxes: () => readonly Sandbox[];
  readonly executors: Executors;
  readonly executor: ExecutorClient;
}): Probe {
  return async (signal) => {
    const reached = deps.sandboxes().map((sandbox) => deps.executors.cached(sandbox));
    const live = reached.filter((reach) => reach !== undefined);
    const byNode = Map.groupBy(live, ({ pod }) => pod.spec.nodeName ?? '');
    const anyOf = (targets: readonly ExecutorTarget[]): Promise<unknown> =>
      Promise.any(targets.map((target) => deps.executor.health(target, signal)));
    await Promise.all(
      [...byNode.values()].map((onNode) =>
        anyOf(onNode.slice(0, SAMPLE).map(({ target }) => target)),
      ),
    );
  };
}
