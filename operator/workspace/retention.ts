import type { Sandbox } from '../../crds/sandbox.ts';
import { isEnded } from '../../crds/sandbox.ts';
import type { ReadCache } from '../../kube/cache.ts';
import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import type { Ending } from '../../storage/history/endings.ts';
import type { StoredWorkspaces } from '../../storage/workspaces/stored-workspaces.ts';
import { Periodic } from '../periodic.ts';
import { timeOf } from '../timestamp.ts';
import { gaveUp } from './gave-up.ts';

export interface FileRetentionOptions {
  readonly stored: StoredWorkspaces;
  readonly sandboxes: Pick<ReadCache<Sandbox>, 'list'>;
  /** What history knows of sandboxes, by UID, that are gone from the API server. */
  readonly endingsOf: (uids: readonly string[]) => Promise<ReadonlyMap<string, Ending>>;
  /** How long after its end a session's files stay. */
  readonly filesTtlMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const DAY_MS = 86_400_000;
const EVERY_MS = 60 * 60_000;
/** Not right after a start, which has better things to do. */
const FIRST_AFTER_MS = 90_000;

/** Not longer than the rows that tell whose files they are; these go so many days after the object, and so later than `filesTtlMs` after the end. */
export function filesTtl(filesTtlMs: number, rowDays: number | undefined): number {
  return Math.min(filesTtlMs, (rowDays ?? Infinity) * DAY_MS);
}

/** Removes the files of sessions that ended long ago, once an hour, while this process leads. */
export function createFileRetention(options: FileRetentionOptions): Periodic {
  return new Periodic({
    clock: options.clock,
    firstAfterMs: FIRST_AFTER_MS,
    everyMs: EVERY_MS,
    work: (signal) => purgeFiles(options, signal),
  });
}

/** A page at a time; what it does not come to, or fails at, it finds the next time. */
export async function purgeFiles(
  options: FileRetentionOptions,
  signal: AbortSignal,
): Promise<void> {
  const { stored, logger } = options;
  let sessions = 0;
  try {
    for await (const ids of stored.ids(signal)) {
      for (const id of await expired(options, ids))
        if (await gaveUp(stored, id, { logger, signal })) sessions += 1;
    }
  } catch (error) {
    if (!signal.aborted) logger.warn('old files of sessions could not be removed', { error });
  }
  if (sessions > 0) logger.info('removed the files of sessions that ended long ago', { sessions });
}

/** Whose files may go. What neither the API server nor history knows is somebody else's: others may keep files in the same bucket. */
async function expired(
  { sandboxes, endingsOf, filesTtlMs, clock }: FileRetentionOptions,
  ids: readonly string[],
): Promise<readonly string[]> {
  const present = new Map(sandboxes.list().map((sandbox) => [sandbox.metadata.uid, sandbox]));
  const endings = await endingsOf(ids.filter((id) => !present.has(id)));
  const before = clock.now() - filesTtlMs;
  return ids.filter((id) => {
    const { isDeleted, endedAt } = endingOf(present.get(id)) ?? endings.get(id) ?? NONE;
    return isDeleted || (endedAt !== undefined && endedAt < before);
  });
}

const NONE: Ending = { isDeleted: false, endedAt: undefined };

/** The finalizer of one that is being deleted sees to its files itself. */
function endingOf(sandbox: Sandbox | undefined): Ending | undefined {
  if (sandbox === undefined) return undefined;
  const endedAt = isEnded(sandbox) ? timeOf(sandbox.status?.terminatedAt) : undefined;
  return { isDeleted: false, endedAt };
}
