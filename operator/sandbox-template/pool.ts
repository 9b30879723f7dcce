import { LABEL } from '../../crds/names.ts';
import type { Pod } from '../../kube/pod.ts';
import { isLive, podState } from '../sandbox/pod-state.ts';
import type { Settings } from '../settings.ts';
import { timeOf } from '../timestamp.ts';
import type { Action } from './act.ts';
import type { Member, Observed } from './observe.ts';
import { templateProblem } from './problem.ts';

/** What a pool needs, and when to look at it again. */
export interface PoolDecision {
  readonly actions: readonly Action[];
  readonly lookAgainMs: number | undefined;
}

/** Starts that go on at once: a pool must not starve the sandboxes that start beside it. */
const STARTS_AT_ONCE = 20;
/** After a member failed, the next is not started at once: what made it fail is likely to be still there. */
const FAILURE_PAUSE_MS = 5_000;

/** Keeps as many fit members as are wished for. Pure. */
export function poolDecision(seen: Observed, settings: Settings): PoolDecision {
  const unfit = seen.members.filter((member) => !isFit(member, seen, settings));
  const fit = seen.members.filter((member) => !unfit.includes(member));
  const asks = fit.filter((member) => isHealthDue(member, seen.now, settings)).flatMap(askHealth);
  const actions = [...unfit.map(({ pod }) => remove(pod)), ...asks];
  const lookAgainMs = nextLookMs(fit, seen, settings);
  // Until the cache shows what was asked for, a count would be wrong.
  if (!seen.isSettled) return { actions, lookAgainMs };
  const lacking = desiredSize(seen) - fit.length;
  const surplus = byWorth(fit).slice(0, Math.max(-lacking, 0));
  const hasFailed = unfit.some(({ pod }) => podState(pod).kind === 'over');
  const free = STARTS_AT_ONCE - fit.filter(({ isReady }) => !isReady).length;
  const starts = hasFailed ? 0 : Math.max(Math.min(lacking, free), 0);
  return {
    actions: [
      ...actions,
      ...surplus.map(({ pod }) => remove(pod)),
      ...Array.from({ length: starts }, (): Action => ({ type: 'createMember' })),
    ],
    lookAgainMs: hasFailed ? FAILURE_PAUSE_MS : lookAgainMs,
  };
}

/** Those of the make that the template has now. */
export function ofThisMake({ members, make }: Observed): readonly Member[] {
  return members.filter(({ pod }) => isLive(pod) && pod.metadata.labels?.[LABEL.make] === make);
}

export function desiredSize({ template }: Observed): number {
  return templateProblem(template) === undefined ? template.spec.warmPool.size : 0;
}

function isFit(member: Member, seen: Observed, settings: Settings): boolean {
  const { pod, executor } = member;
  if (!ofThisMake(seen).includes(member) || podState(pod).kind === 'over') return false;
  const { silentSince, answeredAt } = executor;
  if (answeredAt !== undefined && silentSince !== undefined) {
    return seen.now - silentSince < settings.silenceMs;
  }
  return answeredAt !== undefined || startedBy(pod, settings) > seen.now;
}

function startedBy({ metadata }: Pod, { startTimeoutMs }: Settings): number {
  return (timeOf(metadata.creationTimestamp) ?? 0) + startTimeoutMs;
}

function isHealthDue({ pod, executor }: Member, now: number, settings: Settings): boolean {
  if (podState(pod).kind !== 'running') return false;
  const { answeredAt, silentSince } = executor;
  return (
    answeredAt === undefined ||
    silentSince !== undefined ||
    answeredAt + settings.livenessIntervalMs <= now
  );
}

function nextLookMs(
  fit: readonly Member[],
  { now }: Observed,
  settings: Settings,
): number | undefined {
  const due = fit
    .map(({ pod, executor: { answeredAt, silentSince } }) => {
      if (silentSince !== undefined && answeredAt !== undefined)
        return silentSince + settings.silenceMs;
      if (answeredAt !== undefined) return answeredAt + settings.livenessIntervalMs;
      return startedBy(pod, settings);
    })
    .filter((at) => at > now);
  return due.length === 0 ? undefined : Math.min(...due) - now;
}

/** Those that are the least loss first. */
function byWorth(members: readonly Member[]): readonly Member[] {
  return [...members].sort(
    (a, b) =>
      Number(a.isReady) - Number(b.isReady) ||
      b.pod.metadata.creationTimestamp.localeCompare(a.pod.metadata.creationTimestamp),
  );
}

function remove(pod: Pod): Action {
  return { type: 'deleteMember', pod };
}

function askHealth({ target }: Member): readonly Action[] {
  return target === undefined ? [] : [{ type: 'askHealth', target }];
}
