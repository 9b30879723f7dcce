import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import type { StoredWorkspaces } from '../../storage/workspaces/stored-workspaces.ts';
import type { Caches } from '../caches.ts';
import { Periodic } from '../periodic.ts';
import { gaveUp } from '../workspace/gave-up.ts';
import type { OrphansRemoved } from './metrics.ts';
import { planWorkspaces } from './orphan-workspaces.ts';

export interface WorkspaceSweepDeps {
  readonly stored: StoredWorkspaces;
  readonly caches: Pick<Caches, 'sandboxes'>;
  /** Which of these sandboxes history knows, by UID. Throws HistoryError. */
  readonly knownOf: (uids: readonly string[]) => Promise<ReadonlySet<string>>;
  /** Names this installation among those that keep files in the same store. */
  readonly owner: () => string;
  readonly orphanGraceMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly removed: OrphansRemoved;
}

const HOUR_MS = 3_600_000;
/** Of one statement. */
const PAGE = 1_000;

/** Removes files that no sandbox has and history knows nothing of: those of sandboxes that went while nobody looked. */
export function workspaceSweep(deps: WorkspaceSweepDeps): Periodic {
  const work = (signal: AbortSignal): Promise<void> =>
    sweep(deps, signal).catch((error: unknown) => {
      if (!signal.aborted) deps.logger.warn('could not look for files that nobody has', { error });
    });
  return new Periodic({ clock: deps.clock, firstAfterMs: 120_000, everyMs: HOUR_MS, work });
}

async function sweep(deps: WorkspaceSweepDeps, signal: AbortSignal): Promise<void> {
  const { stored, clock, orphanGraceMs: graceMs, logger } = deps;
  const { register } = stored;
  const owners = await register.join(deps.owner(), signal);
  if (owners.length > 1) {
    // What this installation knows nothing of may be another's.
    logger.warn('several installations keep files in this store; what nobody has stays', {
      owners,
    });
    return;
  }
  const ids = await register.ids(signal);
  const [known, orphans] = [await knownAmong(deps, [...ids]), await register.orphans(signal)];
  const plan = planWorkspaces({ stored: ids, known, orphans, now: clock.now(), graceMs });
  for (const id of plan.add) await register.addOrphan(id, signal);
  for (const id of plan.drop) await register.dropOrphan(id, signal);
  for (const id of plan.remove) {
    if (!(await gaveUp(stored, id, { logger, signal }))) continue;
    await register.dropOrphan(id, signal);
    deps.removed('workspace');
    logger.warn('removed files that nobody had', { sandbox: id, since: orphans.get(id) });
  }
}

async function knownAmong(
  { caches, knownOf }: WorkspaceSweepDeps,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const live = new Set(caches.sandboxes.list().map(({ metadata }) => metadata.uid));
  const others = ids.filter((id) => !live.has(id));
  const known = new Set(live);
  for (let start = 0; start < others.length; start += PAGE)
    for (const id of await knownOf(others.slice(start, start + PAGE))) known.add(id);
  return known;
}
