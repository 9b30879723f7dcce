import type { Registry } from 'prom-client';
import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import type { LeaderWork } from '../../kube/manager.ts';
import type { Database } from '../../storage/history/database.ts';
import type { Retention } from '../../storage/history/retention.ts';
import type { Term } from '../../storage/history/writer.ts';
import type { Caches } from '../caches.ts';
import type { Archive } from './archive.ts';
import type { Subject } from './backlog.ts';
import { createJanitor } from './janitor.ts';
import { createMirrorMetrics } from './metrics.ts';
import { Mirror } from './mirror.ts';

/** Where history is kept, and for how long. */
export interface HistorySettings {
  readonly database: Database;
  readonly retention: Retention;
}

export interface HistoryDeps extends HistorySettings {
  /** Of the objects in the caches. */
  readonly namespace: string;
  readonly caches: Caches;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly term: () => Term;
  readonly onKept: (subject: Subject) => void;
}

export interface History {
  readonly archive: Archive;
  /** What only the leader does. */
  readonly work: readonly LeaderWork[];
}

/** The mirror and the janitor; neither does anything before it is started. */
export function createHistory(deps: HistoryDeps): History {
  const { clock } = deps;
  const logger = deps.logger.child({ component: 'history' });
  const metrics = createMirrorMetrics(deps.registry, () => {
    const { size, dropped, oldest } = mirror.backlog;
    const oldestSeconds = oldest === undefined ? 0 : (clock.monotonic() - oldest) / 1_000;
    return { size, dropped, oldestSeconds };
  });
  const mirror = new Mirror({ ...deps, logger, metrics });
  return { archive: mirror, work: [mirror, createJanitor({ ...deps, logger, metrics })] };
}
