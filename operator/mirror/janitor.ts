import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import type { Database } from '../../storage/history/database.ts';
import { historyError } from '../../storage/history/errors.ts';
import { purge, type Retention } from '../../storage/history/retention.ts';
import { Periodic } from '../periodic.ts';
import type { MirrorMetrics } from './metrics.ts';

export interface JanitorOptions {
  readonly database: Database;
  readonly retention: Retention;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MirrorMetrics;
}

const EVERY_MS = 60 * 60_000;
/** Not right after a start, which has better things to do. */
const FIRST_AFTER_MS = 60_000;

/** Removes what is older than it may get, once an hour, while this process leads. */
export function createJanitor(options: JanitorOptions): Periodic {
  const work = (signal: AbortSignal): Promise<void> => clean(options, signal);
  return new Periodic({
    clock: options.clock,
    firstAfterMs: FIRST_AFTER_MS,
    everyMs: EVERY_MS,
    work,
  });
}

async function clean(options: JanitorOptions, signal: AbortSignal): Promise<void> {
  const { database, retention, clock, logger, metrics } = options;
  try {
    const rows = await purge(database, retention, { now: clock.now(), signal });
    metrics.purged(rows);
    if (rows > 0) logger.info('removed old rows of history', { rows });
  } catch (error) {
    if (!signal.aborted)
      logger.warn('old rows of history could not be removed', { error: historyError(error) });
  }
}
