import type { Registry } from 'prom-client';
import { historyService, type HistoryService } from '../api-shim/history-service.ts';
import { systemClock } from '../kube/clock.ts';
import type { Logger } from '../kube/logger.ts';
import type { HistorySettings } from '../operator/mirror/history.ts';
import type { Database } from '../storage/history/database.ts';
import { DEFAULT_RETENTION } from '../storage/history/retention.ts';
import type { LocalConfig } from './config.ts';

/** One clear line where there is none: what ends is then gone when its object is. */
export function openHistory(
  { config, logger }: { config: LocalConfig; logger: Logger },
  registry: Registry,
): HistoryService {
  const { databaseUrl: url } = config;
  if (url === undefined) logger.info('history is off: DATABASE_URL names no MariaDB');
  return historyService({ url, clock: systemClock, logger, registry });
}

export function mirrorTo(database: Database | undefined): { history?: HistorySettings } {
  return database === undefined ? {} : { history: { database, retention: DEFAULT_RETENTION } };
}
