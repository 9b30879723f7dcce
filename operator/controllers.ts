import type { ExecutorAddress, ExecutorClient } from '../executor/client.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import { Controller } from '../kube/controller.ts';
import type { EventRecorder } from '../kube/events.ts';
import type { Logger } from '../kube/logger.ts';
import type { RuntimeMetrics } from '../kube/metrics.ts';
import type { Pod } from '../kube/pod.ts';
import type { Caches } from './caches.ts';
import type { ClusterAbilities } from './cluster-abilities.ts';
import { executionReconciler } from './execution/reconciler.ts';
import type { Memory } from './memory.ts';
import type { OperatorMetrics } from './metrics.ts';
import type { Archive } from './mirror/archive.ts';
import { Newcomers } from './newcomers.ts';
import type { PackageIndexes } from './package-index/gateway.ts';
import type { PodSettings } from './sandbox/pod.ts';
import { sandboxReconciler } from './sandbox/reconciler.ts';
import { sandboxTemplateReconciler } from './sandbox-template/reconciler.ts';
import type { Settings } from './settings.ts';
import { executionSources, sandboxSources, templateSources } from './sources.ts';

/** What the controllers share. */
export interface ControllerContext {
  readonly client: KubeClient;
  readonly executor: ExecutorClient;
  readonly addressOf: (pod: Pod) => ExecutorAddress | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly runtimeMetrics: RuntimeMetrics;
  readonly metrics: OperatorMetrics;
  readonly events: EventRecorder;
  readonly caches: Caches;
  readonly memory: Memory;
  readonly settings: Settings;
  readonly pod: PodSettings;
  readonly abilities: ClusterAbilities;
  /** Absent: there is no history. */
  readonly archive?: Archive | undefined;
  readonly packageIndexes: PackageIndexes;
}

/** How many reconciles of a kind go on at a time; each mostly waits for the API server. */
const CONCURRENCY = { sandbox: 50, execution: 50, template: 2 };
/** An outage of the API server must not be followed by minutes of waiting. */
const BACKOFF = { baseMs: 10, maxMs: 15_000 };

export function sandboxController(context: ControllerContext): Controller {
  const { caches, memory, settings, pod } = context;
  const reconcile = sandboxReconciler({
    ...context,
    ...memory,
    writes: memory.sandboxWrites,
    policy: { ...settings, pod, indexes: context.packageIndexes.policy },
  });
  const concurrency = CONCURRENCY.sandbox;
  const sources = sandboxSources(caches);
  return new Controller({ ...runtime(context), name: 'sandbox', sources, concurrency, reconcile });
}

export function executionController(context: ControllerContext): Controller {
  const { caches, memory } = context;
  const newcomers = new Newcomers(caches.executions);
  const reconcile = executionReconciler({
    ...context,
    ...memory,
    writes: memory.executionWrites,
    isNewcomer: (uid) => newcomers.has(uid),
  });
  const concurrency = CONCURRENCY.execution;
  const sources = [...executionSources(caches, memory.runs, memory.sandboxWrites), newcomers];
  return new Controller({
    ...runtime(context),
    name: 'execution',
    sources,
    concurrency,
    reconcile,
  });
}

export function templateController(context: ControllerContext): Controller {
  const { caches, settings, memory } = context;
  const reconcile = sandboxTemplateReconciler({ ...context, pools: memory.pools });
  const concurrency = CONCURRENCY.template;
  const sources = templateSources(caches, memory.pools, settings.countDelayMs);
  const name = 'sandbox-template';
  return new Controller({ ...runtime(context), name, sources, concurrency, reconcile });
}

function runtime({ clock, random, logger, runtimeMetrics }: ControllerContext): {
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly metrics: RuntimeMetrics;
  readonly backoff: typeof BACKOFF;
} {
  return { clock, random, logger, metrics: runtimeMetrics, backoff: BACKOFF };
}
