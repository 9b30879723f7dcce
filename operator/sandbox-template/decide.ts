import type { SandboxTemplateStatus } from '../../crds/sandbox-template.ts';
import type { Settings } from '../settings.ts';
import { sameStatus } from '../status-writer.ts';
import type { Action } from './act.ts';
import type { Observed } from './observe.ts';
import { poolDecision } from './pool.ts';
import { templateStatus } from './status.ts';

/** What to do about a template and its pool, as data. */
export interface Decision {
  readonly actions: readonly Action[];
  /** The whole next status; absent: it stays. */
  readonly status?: SandboxTemplateStatus;
  /** Why members that are removed did not get the template's packages. */
  readonly packagesProblem?: string | undefined;
  /** When to look again, if nothing happens before. */
  readonly lookAgainMs?: number;
}

/** Decides from what was observed and nothing else. */
export function decide(seen: Observed, settings: Settings): Decision {
  // Its pods go with it: they are owned.
  if (seen.template.metadata.deletionTimestamp !== undefined) return { actions: [] };
  const { lookAgainMs, ...done } = poolDecision(seen, settings);
  const status = templateStatus(seen);
  if (sameStatus(seen.template, status)) return { ...done, ...inMs(lookAgainMs) };
  const quietMs = quietForMs(seen, settings);
  if (quietMs <= 0) return { ...done, status, ...inMs(lookAgainMs) };
  return { ...done, ...inMs(Math.min(quietMs, lookAgainMs ?? quietMs)) };
}

/** A burst that empties a pool must not cost a status per pod. What a template's author did is answered at once. */
function quietForMs({ template, reportedAt, now }: Observed, { countDelayMs }: Settings): number {
  const isAnswered = template.status?.observedGeneration === template.metadata.generation;
  if (!isAnswered || reportedAt === undefined) return 0;
  return reportedAt + countDelayMs - now;
}

function inMs(lookAgainMs: number | undefined): Pick<Decision, 'lookAgainMs'> {
  return lookAgainMs === undefined ? {} : { lookAgainMs };
}
