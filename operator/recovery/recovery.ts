import type { Registry } from 'prom-client';
import type { KubeClient } from '../../kube/client.ts';
import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import type { LeaderWork } from '../../kube/manager.ts';
import type { Database } from '../../storage/history/database.ts';
import { knownSandboxes } from '../../storage/history/endings.ts';
import type { StoredWorkspaces } from '../../storage/workspaces/stored-workspaces.ts';
import type { Caches } from '../caches.ts';
import { orphansRemoved } from './metrics.ts';
import { podSweep } from './pod-sweep.ts';
import { workspaceSweep } from './workspace-sweep.ts';

export interface RecoveryDeps {
  readonly client: KubeClient;
  readonly caches: Caches;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly stored?: StoredWorkspaces | undefined;
  /** Absent: there is no history. */
  readonly database: Database | undefined;
  readonly owner: () => string;
  readonly orphanGraceMs: number;
}

/** What finds what nobody has: reconcilers are only ever told of objects, not of what these left behind. */
export function createRecovery(deps: RecoveryDeps): readonly LeaderWork[] {
  const { stored, database } = deps;
  const logger = deps.logger.child({ component: 'recovery' });
  const shared = { ...deps, logger, removed: orphansRemoved(deps.registry) };
  const pods = podSweep(shared);
  if (stored === undefined) return [pods];
  const knownOf = async (uids: readonly string[]): Promise<ReadonlySet<string>> =>
    database === undefined ? new Set() : knownSandboxes(database, uids);
  return [pods, workspaceSweep({ ...shared, stored, knownOf })];
}
