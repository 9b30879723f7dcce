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
  /** Why members that are removed did not get the template's packages. */
  readonly packagesProblem: string | undefined;
  readonly lookAgainMs: number | undefined;
}

/** Starts that go on at once: a pool must not starve the sandboxes that start beside it. */
const STARTS_AT_ONCE = 20;
/** The start of a pod takes a core for a second. Right after a claim that core is wanted for the claim, its first run, and those that come with it. */
const CALM_MS = 500;
/** Claims that go on and on do not keep a pool from being filled for longer than this. */
const LONGEST_WAIT_MS = 10_000;

/** Keeps as many fit members as are wished for. Pure. */
export function poolDecision(seen: Observed, settings: Settings): PoolDecision {
  const { true: fit = [], false: unfit = [] } = Object.groupBy(seen.members, (member) =>
    isFit(member, seen, settings) ? 'true' : 'false',
  );
  const asks = fit.filter((member) => isHealthDue(member, seen.now, settings)).flatMap(askHealth);
  const installs = fit.flatMap((member) => installIn(member, seen));
  const failure: readonly Action[] = hasFailed(seen)
    ? [{ type: 'noteFailure', make: seen.make }]
    : [];
  const actions = [...failure, ...unfit.map(({ pod }) => remove(pod)), ...asks, ...installs];
  const lookAgainMs = nextLookMs(fit, seen, settings);
  const packagesProblem = unfit.map(problemOf).find((problem) => problem !== undefined);
  // Until the cache shows what was asked for, a count would be wrong.
  if (!seen.isSettled) return { actions, lookAgainMs, packagesProblem };
  const lacking = desiredSize(seen) - fit.length;
  const surplus = byWorth(fit).slice(0, Math.max(-lacking, 0));
  const isPaused = hasFailed(seen) || startsFrom(seen) > seen.now;
  const free = STARTS_AT_ONCE - fit.filter(({ isReady }) => !isReady).length;
  const starts = isPaused ? 0 : Math.max(Math.min(lacking, free), 0);
  return {
    actions: [
      ...actions,
      ...recover(fit, seen),
      ...surplus.map(({ pod }) => remove(pod)),
      ...Array.from({ length: starts }, (): Action => ({
        type: 'createMember',
        nodes: seen.nodes,
      })),
    ],
    lookAgainMs,
    packagesProblem,
  };
}

/** When members may be started again: a while after some ended by themselves, and once the claims are over. The less is left in the pool, the less it waits. */
function startsFrom(seen: Observed): number {
  const { pausedUntil = -Infinity, claims, starting = 0, now } = seen;
  if (claims === undefined) return pausedUntil;
  const calmFrom = starting > 0 ? now + CALM_MS : claims.last + CALM_MS * fullness(seen);
  return Math.max(pausedUntil, Math.min(calmFrom, claims.first + LONGEST_WAIT_MS));
}

/** How much of what is wished for can be handed out, from 0 to 1. */
function fullness(seen: Observed): number {
  const ready = ofThisMake(seen).filter(({ isReady }) => isReady).length;
  return Math.min(ready / Math.max(desiredSize(seen), 1), 1);
}

function hasFailed(seen: Observed): boolean {
  return ofThisMake(seen).some(({ pod }) => podState(pod).kind === 'over');
}

/** What made members end is over once the pool is whole. */
function recover(fit: readonly Member[], seen: Observed): readonly Action[] {
  if (seen.pausedUntil === undefined || hasFailed(seen)) return [];
  const isWhole = fit.length >= desiredSize(seen) && fit.every(({ isReady }) => isReady);
  return isWhole ? [{ type: 'forgetFailures' }] : [];
}

/** Packages that could not be installed are tried again in a new pod, not sooner than this: the index may be away, or the template wrong. */
const PACKAGES_PAUSE_MS = 60_000;

/** As soon as its executor is known to answer. */
function installIn(
  { executor, target, install }: Member,
  { packages }: Observed,
): readonly Action[] {
  const isAsked = install !== undefined || executor.answeredAt === undefined;
  if (packages === undefined || target === undefined || isAsked) return [];
  return [{ type: 'installInMember', target, packages }];
}

function problemOf({ install }: Member): string | undefined {
  const { end } = install ?? {};
  if (end === undefined || end.phase === 'Installed') return undefined;
  return end.message ?? 'the installer gave no reason';
}

/** When one whose packages could not be installed makes way; undefined: it does not. */
function givenUpAt(member: Member): number | undefined {
  const { endedAt } = member.install ?? {};
  return problemOf(member) === undefined || endedAt === undefined
    ? undefined
    : endedAt + PACKAGES_PAUSE_MS;
}

/** Those of the make that the template has now. */
export function ofThisMake({ members, make }: Observed): readonly Member[] {
  return members.filter((member) => isOfMake(member, make));
}

function isOfMake({ pod }: Member, make: string): boolean {
  return isLive(pod) && pod.metadata.labels?.[LABEL.make] === make;
}

export function desiredSize({ template }: Observed): number {
  return templateProblem(template) === undefined ? template.spec.warmPool.size : 0;
}

function isFit(member: Member, seen: Observed, settings: Settings): boolean {
  const { pod, executor } = member;
  if (!isOfMake(member, seen.make) || podState(pod).kind === 'over') return false;
  if ((givenUpAt(member) ?? Infinity) <= seen.now) return false;
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
  seen: Observed,
  settings: Settings,
): number | undefined {
  const { now } = seen;
  const due = fit.flatMap((member) => [dueAt(member, settings), givenUpAt(member) ?? Infinity]);
  const isShort = fit.length < desiredSize(seen);
  const next = Math.min(
    ...[...due, isShort ? startsFrom(seen) : Infinity].filter((at) => at > now),
  );
  return next === Infinity ? undefined : next - now;
}

function dueAt({ pod, executor: { answeredAt, silentSince } }: Member, settings: Settings): number {
  if (silentSince !== undefined && answeredAt !== undefined)
    return silentSince + settings.silenceMs;
  if (answeredAt !== undefined) return answeredAt + settings.livenessIntervalMs;
  return startedBy(pod, settings);
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
