import type { Registry } from 'prom-client';
import { GROUP } from '../crds/names.ts';
import type { ExecutorAddress, ExecutorClient } from '../executor/client.ts';
import type { IndexFunction } from '../kube/cache.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import type { Controller } from '../kube/controller.ts';
import { ApiEventRecorder } from '../kube/event-recorder.ts';
import type { HealthServerOptions } from '../kube/health-server.ts';
import { LeaderElector } from '../kube/leader-election.ts';
import type { Logger } from '../kube/logger.ts';
import { Manager } from '../kube/manager.ts';
import { createRuntimeMetrics } from '../kube/metrics.ts';
import type { RuntimeMetrics } from '../kube/metrics.ts';
import type { ObjectRef } from '../kube/objects.ts';
import type { Pod } from '../kube/pod.ts';
import { createCaches } from './caches.ts';
import type { Caches } from './caches.ts';
import { executionController, sandboxController, templateController } from './controllers.ts';
import { createMemory, forgetWhatIsGone } from './memory.ts';
import type { Memory } from './memory.ts';
import { createOperatorMetrics } from './metrics.ts';
import type { PodSettings } from './sandbox/pod.ts';
import { warnAboutDeletedTemplates } from './sandbox-template/events.ts';
import { DEFAULT_SETTINGS } from './settings.ts';
import type { Settings } from './settings.ts';

export interface OperatorDeps {
  readonly client: KubeClient;
  readonly executor: ExecutorClient;
  /** Where a pod's executor listens; undefined as long as that is not known. */
  readonly addressOf: (pod: Pod) => ExecutorAddress | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly registry: Registry;
  /** Where the sandboxes live. */
  readonly namespace: string;
  /** Names this process in leases and events. */
  readonly identity: string;
  readonly pod: PodSettings;
  readonly settings?: Partial<Settings>;
  /** Absent: this operator is the only one. */
  readonly lease?: ObjectRef;
  /** Absent: no health and metrics server. */
  readonly http?: HealthServerOptions;
  /** Further indexes of the cache of pods, for others who read it. */
  readonly podIndexes?: Readonly<Record<string, IndexFunction<Pod>>>;
}

export interface Operator {
  readonly caches: Caches;
  /** Resolves when the caches are synced and, without a lease to win first, the controllers run. */
  start(): Promise<void>;
  /** Lets reconciles finish, then stops everything; pods and their runs go on. */
  stop(): Promise<void>;
  /** Starts, serves until `signal` aborts, stops; rejects with a LeaseLostError when the lease is lost. */
  run(signal: AbortSignal): Promise<void>;
}

/** Wires the three controllers up with what they share; does nothing before `start`. */
export function createOperator(deps: OperatorDeps): Operator {
  const runtimeMetrics = createRuntimeMetrics(deps.registry);
  const caches = createCaches({ ...deps, metrics: runtimeMetrics });
  const events = new ApiEventRecorder({ ...deps, controller: CONTROLLER, instance: deps.identity });
  const memory = createMemory({
    ...deps,
    enqueueSandbox: (key) => {
      sandboxes.enqueue(key);
    },
    enqueueExecution: (key) => {
      executions.enqueue(key);
    },
  });
  const metrics = createOperatorMetrics(deps.registry);
  const settings = { ...DEFAULT_SETTINGS, ...deps.settings };
  const context = { ...deps, runtimeMetrics, metrics, events, caches, memory, settings };
  const sandboxes = sandboxController(context);
  const executions = executionController(context);
  const controllers = [templateController(context), sandboxes, executions];
  forgetWhatIsGone(memory, caches, deps.executor);
  warnAboutDeletedTemplates(caches, events);
  const manager = createManager(deps, { runtimeMetrics, caches, controllers, events });
  return operatorOf(manager, caches, memory);
}

const CONTROLLER = `${GROUP}/operator`;

interface Parts {
  readonly runtimeMetrics: RuntimeMetrics;
  readonly caches: Caches;
  readonly controllers: readonly Controller[];
  readonly events: ApiEventRecorder;
}

function createManager(deps: OperatorDeps, parts: Parts): Manager {
  const { lease, http, logger, clock, registry } = deps;
  const { runtimeMetrics: metrics, caches, controllers, events } = parts;
  return new Manager({
    caches: Object.values(caches),
    controllers,
    events,
    logger,
    clock,
    registry,
    ...(http === undefined ? {} : { http }),
    ...(lease === undefined ? {} : { election: new LeaderElector({ ...deps, lease, metrics }) }),
  });
}

function operatorOf(manager: Manager, caches: Caches, memory: Memory): Operator {
  // After the controllers, which would start new ones.
  const endConversations = (): void => {
    memory.runs.stop();
    memory.monitor.stop();
  };
  return {
    caches,
    start: () => manager.start(),
    stop: () => manager.stop().finally(endConversations),
    run: (signal) => manager.run(signal).finally(endConversations),
  };
}
