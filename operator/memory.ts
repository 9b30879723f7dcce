import type { Execution } from '../crds/execution.ts';
import type { Sandbox } from '../crds/sandbox.ts';
import type { ExecutorClient } from '../executor/client.ts';
import type { Clock } from '../kube/clock.ts';
import type { Logger } from '../kube/logger.ts';
import { controllerOf } from '../kube/objects.ts';
import type { StoredWorkspaces } from '../storage/workspaces/stored-workspaces.ts';
import type { Caches } from './caches.ts';
import { CreatedPods } from './created-pods.ts';
import { InFlightRuns } from './execution/runs.ts';
import { OwnWrites } from './own-writes.ts';
import type { PackageIndexes } from './package-index/gateway.ts';
import { InFlightInstalls } from './sandbox/installs.ts';
import { templateInstall } from './sandbox/packages.ts';
import { Workspaces } from './workspace/workspaces.ts';
import type { Settings } from './settings.ts';
import { WarmPools } from './warm-pools.ts';
import { ExecutorMonitor } from './sandbox/executor-monitor.ts';

/** What a running operator knows beyond its caches. All of it may be lost: the status and the executors bring it back. */
export interface Memory {
  readonly monitor: ExecutorMonitor;
  readonly runs: InFlightRuns;
  readonly installs: InFlightInstalls;
  /** Undefined: there is no store. */
  readonly workspaces: Workspaces | undefined;
  readonly createdPods: CreatedPods;
  readonly pools: WarmPools;
  readonly sandboxWrites: OwnWrites<Sandbox>;
  readonly executionWrites: OwnWrites<Execution>;
}

export interface MemoryOptions {
  readonly executor: ExecutorClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** Where files are kept; absent: nowhere but in their pods. */
  readonly stored?: StoredWorkspaces | undefined;
  /** Say "look at this object again". */
  readonly enqueueSandbox: (key: string) => void;
  readonly enqueueExecution: (key: string) => void;
  readonly enqueueTemplate: (key: string) => void;
  readonly caches: Caches;
  readonly settings: Settings;
  readonly packageIndexes: Pick<PackageIndexes, 'policy'>;
}

export function createMemory(options: MemoryOptions): Memory {
  const { clock, stored } = options;
  const monitor = new ExecutorMonitor({ ...options, enqueue: options.enqueueSandbox });
  const runs = new InFlightRuns({
    ...options,
    enqueue: options.enqueueExecution,
    onSilence: ({ sandboxKey, target }) => {
      if (monitor.knows(target.podUID)) monitor.askHealth(sandboxKey, target);
    },
  });
  return {
    monitor,
    runs,
    installs: new InFlightInstalls({ ...options, enqueue: options.enqueueSandbox }),
    workspaces: stored && new Workspaces({ ...options, stored, enqueue: options.enqueueSandbox }),
    createdPods: new CreatedPods(clock),
    pools: new WarmPools({
      ...options,
      enqueue: options.enqueueTemplate,
      packagesOf: ({ spec }) => templateInstall(spec, options.packageIndexes.policy),
      // One question that got lost must not empty the pool.
      freshMs: 2 * options.settings.livenessIntervalMs,
    }),
    sandboxWrites: new OwnWrites(),
    executionWrites: new OwnWrites(),
  };
}

/** Drops what is remembered about objects as they go, and what the cache by now knows better. */
export function forgetWhatIsGone(memory: Memory, caches: Caches, executor: ExecutorClient): void {
  caches.pods.subscribe(({ type, object }) => {
    memory.createdPods.forget(controllerOf(object)?.uid ?? '', object.metadata.uid);
    memory.pools.observe(object, type === 'deleted');
    if (type !== 'deleted') return;
    memory.monitor.forget(object.metadata.uid);
    memory.installs.forgetPod(object.metadata.uid);
    memory.workspaces?.forget(object.metadata.uid);
    executor.forget(object.metadata.uid);
  });
  caches.sandboxes.subscribe(({ type, object }) => {
    if (type !== 'deleted') {
      memory.sandboxWrites.caughtUp(object);
      return;
    }
    const { uid } = object.metadata;
    memory.sandboxWrites.forget(uid);
    memory.installs.forget(uid);
    memory.createdPods.forgetOwner(uid);
    memory.workspaces?.forgetSandbox(uid);
    memory.pools.forget(uid);
  });
  caches.templates.subscribe(({ type, object }) => {
    if (type === 'deleted') memory.pools.forgetClaims(object.metadata.uid);
  });
  caches.executions.subscribe(({ type, object }) => {
    if (type !== 'deleted') {
      memory.executionWrites.caughtUp(object);
      return;
    }
    memory.executionWrites.forget(object.metadata.uid);
    memory.runs.abandon(object.metadata.uid);
  });
}
