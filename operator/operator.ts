import { randomUUID } from 'node:crypto';
import type { Registry } from 'prom-client';
import { GROUP } from '../crds/names.ts';
import type { ExecutorAddress, ExecutorClient } from '../executor/client.ts';
import type { IndexFunction } from '../kube/cache.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import { ApiEventRecorder } from '../kube/event-recorder.ts';
import type { Discovery } from '../kube/discovery.ts';
import type { HealthServerOptions } from '../kube/health-server.ts';
import { LeaderElector } from '../kube/leader-election.ts';
import type { Logger } from '../kube/logger.ts';
import { Manager } from '../kube/manager.ts';
import type { LeaderWork } from '../kube/manager.ts';
import { createRuntimeMetrics } from '../kube/metrics.ts';
import type { RuntimeMetrics } from '../kube/metrics.ts';
import { keyOf, refOf } from '../kube/objects.ts';
import type { ObjectRef } from '../kube/objects.ts';
import type { Pod } from '../kube/pod.ts';
import type { Term } from '../storage/history/writer.ts';
import { endingsOf } from '../storage/history/endings.ts';
import type { StoredWorkspaces } from '../storage/workspaces/stored-workspaces.ts';
import { createCaches, sandboxKeyOf } from './caches.ts';
import type { Caches } from './caches.ts';
import { ClusterAbilities } from './cluster-abilities.ts';
import { executionController, sandboxController, templateController } from './controllers.ts';
import { createMemory, forgetWhatIsGone } from './memory.ts';
import type { Memory } from './memory.ts';
import { createOperatorMetrics, together } from './metrics.ts';
import type { Subject } from './mirror/backlog.ts';
import { createHistory } from './mirror/history.ts';
import type { History, HistorySettings } from './mirror/history.ts';
import type { PackageIndexes } from './package-index/gateway.ts';
import { createRecovery } from './recovery/recovery.ts';
import type { PodSettings } from './sandbox/pod.ts';
import { warnAboutDeletedTemplates } from './sandbox-template/events.ts';
import { createServiceMetrics } from './service-metrics.ts';
import { DEFAULT_SETTINGS } from './settings.ts';
import type { Settings } from './settings.ts';
import { createFileRetention, filesTtl } from './workspace/retention.ts';

export interface OperatorDeps {
  readonly client: KubeClient;
  /** Absent: no use is made of what only some clusters can do. */
  readonly discovery?: Discovery | undefined;
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
  /** Names this installation among those that may use the same object store; absent: its lease does, or else its identity. */
  readonly installation?: string;
  readonly pod: PodSettings;
  readonly packageIndexes: PackageIndexes;
  /** Where files are kept; absent: nowhere but in their pods. */
  readonly stored?: StoredWorkspaces | undefined;
  readonly settings?: Partial<Settings>;
  /** Absent: objects stay, and are gone for good when they go. */
  readonly history?: HistorySettings;
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
  const settings = { ...DEFAULT_SETTINGS, ...deps.settings };
  const memory = createMemory({
    ...deps,
    caches,
    settings,
    enqueueTemplate: (key) => {
      templates.enqueue(key);
    },
    enqueueSandbox: (key) => {
      sandboxes.enqueue(key);
    },
    enqueueExecution: (key) => {
      executions.enqueue(key);
    },
  });
  const election = electionOf(deps, runtimeMetrics);
  const history = historyOf({ ...deps, caches, election }, ({ table, object }) => {
    if (table === 'sandboxes') sandboxes.enqueue(keyOf(refOf(object)));
    // The last row that a sandbox waits for may be that of an execution.
    if (table !== 'executions') return;
    executions.enqueue(keyOf(refOf(object)));
    sandboxes.enqueue(sandboxKeyOf(object));
  });
  const metrics = together(
    createOperatorMetrics(deps.registry),
    createServiceMetrics(deps.registry, {
      ...caches,
      usageOf: (podUID) => memory.monitor.view(podUID).usage,
    }),
  );
  const { archive } = history ?? {};
  const abilities = new ClusterAbilities(deps);
  const shared = { runtimeMetrics, metrics, events, caches, memory, settings, archive, abilities };
  const context = { ...deps, ...shared };
  const sandboxes = sandboxController(context);
  const executions = executionController(context);
  const templates = templateController(context);
  const controllers = [templates, sandboxes, executions];
  forgetWhatIsGone(memory, caches, deps.executor);
  warnAboutDeletedTemplates(caches, events);
  // History first: it must have subscribed before anything changes.
  const work = [
    ...(history?.work ?? []),
    abilities,
    ...controllers,
    ...fileRetentionOf({ ...deps, caches, settings }),
    ...createRecovery({
      ...deps,
      ...settings,
      caches,
      database: deps.history?.database,
      owner: () => election?.leaseUid ?? deps.installation ?? deps.identity,
    }),
  ];
  return operatorOf(createManager(deps, { election, caches, work, events }), caches, memory);
}

const CONTROLLER = `${GROUP}/operator`;

function electionOf(deps: OperatorDeps, metrics: RuntimeMetrics): LeaderElector | undefined {
  const { lease } = deps;
  return lease === undefined ? undefined : new LeaderElector({ ...deps, lease, metrics });
}

function historyOf(
  deps: OperatorDeps & { caches: Caches; election: LeaderElector | undefined },
  onKept: (subject: Subject) => void,
): History | undefined {
  const { history, election } = deps;
  if (history === undefined) return undefined;
  // Without a lease there are no two at a time, and each process begins a term of its own.
  const own: Term = { lease: `process ${randomUUID()}`, transitions: 0 };
  const term = (): Term =>
    election === undefined ? own : { lease: election.leaseUid, transitions: election.transitions };
  return createHistory({ ...deps, ...history, term, onKept });
}

function fileRetentionOf(
  deps: OperatorDeps & { caches: Caches; settings: Settings },
): readonly LeaderWork[] {
  const { stored, history, caches, namespace, settings, logger } = deps;
  if (stored === undefined) return [];
  const database = history?.database;
  const retention = createFileRetention({
    ...deps,
    ...settings,
    filesTtlMs: filesTtl(settings.filesTtlMs, history?.retention.sandboxDays),
    stored,
    sandboxes: caches.sandboxes,
    endingsOf: async (uids) =>
      database === undefined ? new Map() : endingsOf(database, { namespace, uids }),
    logger: logger.child({ component: 'file-retention' }),
  });
  return [retention];
}

interface Parts {
  readonly election: LeaderElector | undefined;
  readonly caches: Caches;
  readonly work: readonly LeaderWork[];
  readonly events: ApiEventRecorder;
}

function createManager(deps: OperatorDeps, parts: Parts): Manager {
  const { http, logger, clock, registry } = deps;
  const { election, caches, work, events } = parts;
  return new Manager({
    caches: Object.values(caches),
    controllers: work,
    events,
    logger,
    clock,
    registry,
    ...(http === undefined ? {} : { http }),
    ...(election === undefined ? {} : { election }),
  });
}

function operatorOf(manager: Manager, caches: Caches, memory: Memory): Operator {
  // After the controllers, which would start new ones.
  const endConversations = (): void => {
    memory.runs.stop();
    memory.installs.stop();
    memory.monitor.stop();
    memory.workspaces?.stop();
    memory.pools.stop();
  };
  return {
    caches,
    start: () => manager.start(),
    stop: () => manager.stop().finally(endConversations),
    run: (signal) => manager.run(signal).finally(endConversations),
  };
}
