import { Counter, type Registry } from 'prom-client';
import type { Clock } from '../kube/clock.ts';
import type { Logger } from '../kube/logger.ts';
import { AuditLog } from '../storage/history/audit-log.ts';
import { Database } from '../storage/history/database.ts';
import type { ApiOptions } from './app.ts';

export interface HistoryServiceDeps {
  /** Absent: there is no history, and nobody is told who did what. */
  readonly url: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly registry: Registry;
}

export interface HistoryService {
  readonly options: Pick<ApiOptions, 'database' | 'audit'>;
  /** Writes what waits in the audit log, as far as the database takes it at once. */
  close(): Promise<void>;
}

/** What the REST API reads of the past, and where it tells who did what. Nothing is connected before it is used. */
export function historyService({
  url,
  clock,
  logger,
  registry,
}: HistoryServiceDeps): HistoryService {
  if (url === undefined) return { options: {}, close: () => Promise.resolve() };
  const dropped = new Counter({
    name: 'sandbox_audit_dropped_total',
    help: 'Audit records that were given up because the database did not take them.',
    registers: [registry],
  });
  const database = new Database({ url, clock, connections: 10 });
  const log = new AuditLog({
    database,
    clock,
    logger,
    onDropped: (count) => {
      dropped.inc(count);
    },
  });
  const audit: NonNullable<ApiOptions['audit']> = (event) => {
    log.record(event);
  };
  return {
    options: { database, audit },
    close: async () => {
      await log.close();
      await database.close();
    },
  };
}
