import { isEnded, type Sandbox } from '../../crds/sandbox.ts';
import type { SandboxTemplate } from '../../crds/sandbox-template.ts';
import type { ExecutorAddress, ExecutorTarget } from '../../executor/client.ts';
import type { Clock } from '../../kube/clock.ts';
import { parseKey } from '../../kube/objects.ts';
import type { Pod } from '../../kube/pod.ts';
import { INDEX } from '../caches.ts';
import type { Caches } from '../caches.ts';
import type { ExecutorView } from '../sandbox/executor-monitor.ts';
import type { InstallView, PackageInstall } from '../sandbox/installs.ts';
import { poolMake } from '../sandbox/pod.ts';
import { preferredNodes } from '../sandbox/preferred-nodes.ts';
import type { PodSettings } from '../sandbox/pod.ts';
import type { Claims, WarmPools } from '../warm-pools.ts';

/** One pod that waits for a sandbox. */
export interface Member {
  readonly pod: Pod;
  /** What its executor said. */
  readonly executor: ExecutorView;
  /** Where to reach it, once it can be reached. */
  readonly target: ExecutorTarget | undefined;
  /** How far the template's packages are in it; absent: nobody asked. */
  readonly install?: InstallView | undefined;
  /** It can be handed out now. */
  readonly isReady: boolean;
}

/** Everything that a decision about one template looks at. */
export interface Observed {
  readonly template: SandboxTemplate;
  /** Sandboxes of it that have not ended. */
  readonly sandboxes: number;
  /** Pods of its pool, of whatever make. */
  readonly members: readonly Member[];
  /** What is installed in members; absent: nothing. */
  readonly packages?: PackageInstall | undefined;
  /** Nodes that the next members had better run on; none while there are enough. */
  readonly nodes: readonly string[];
  /** The make of pods that are made now. */
  readonly make: string;
  /** Until when no member is started, because some ended by themselves; absent: none has since the pool was whole. */
  readonly pausedUntil?: number | undefined;
  /** The cache shows every member that was created or deleted. */
  readonly isSettled: boolean;
  /** Sandboxes of it that are to get a pod, as far as the cache knows. */
  readonly starting?: number;
  /** Those since members were last started; absent: none. */
  readonly claims?: Claims | undefined;
  /** When its status was last written; absent: not by this process. */
  readonly reportedAt: number | undefined;
  readonly now: number;
}

export interface ObserveDeps {
  readonly clock: Clock;
  readonly caches: Pick<Caches, 'templates' | 'sandboxes' | 'pods'>;
  readonly pools: WarmPools;
  readonly pod: PodSettings;
  /** Undefined as long as a pod has no address. */
  readonly addressOf: (pod: Pod) => ExecutorAddress | undefined;
}

/** Undefined: the template is gone. */
export function observe(
  deps: ObserveDeps,
  key: string,
  reportedAt: number | undefined,
): Observed | undefined {
  const template = deps.caches.templates.get(parseKey(key));
  if (template === undefined) return undefined;
  const packages = deps.pools.packagesOf(template);
  const sandboxes = liveSandboxes(deps.caches, key);
  const members = deps.pools.members(template);
  const make = poolMake(template, deps.pod);
  const isShort = members.length < template.spec.warmPool.size;
  const pods = isShort ? deps.caches.pods.byIndex(INDEX.madeFrom, key) : [];
  return {
    template,
    sandboxes: sandboxes.length,
    starting: sandboxes.filter(isStarting).length,
    members: members.map((pod) => memberOf(deps, pod, packages)),
    packages,
    nodes: preferredNodes(template, pods),
    make,
    pausedUntil: deps.pools.failures.pausedUntil(key, make),
    isSettled: deps.pools.expectations.satisfied(key),
    claims: deps.pools.claims(template),
    reportedAt,
    now: deps.clock.now(),
  };
}

function memberOf(
  { pools, addressOf }: ObserveDeps,
  pod: Pod,
  packages: PackageInstall | undefined,
): Member {
  const podUID = pod.metadata.uid;
  const address = addressOf(pod);
  return {
    pod,
    executor: pools.monitor.view(podUID),
    target: address && { podUID, address },
    install: pools.installs.view(podUID),
    isReady: pools.isReady(pod, packages),
  };
}

/** The sandboxes of the template with this key that have not ended. */
export function liveSandboxes(caches: Pick<Caches, 'sandboxes'>, key: string): readonly Sandbox[] {
  return caches.sandboxes.byIndex(INDEX.template, key).filter((sandbox) => !isEnded(sandbox));
}

/** It is to get a pod and has none. */
export function isStarting({ metadata, spec, status }: Sandbox): boolean {
  const isWanted = spec.desiredState === 'Running' && metadata.deletionTimestamp === undefined;
  return isWanted && status?.podUID === undefined;
}
