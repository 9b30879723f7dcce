import { isFinished } from '../../crds/execution.ts';
import { SANDBOX_CONDITIONS } from '../../crds/reasons.ts';
import { findCondition, isConditionTrue } from '../../kube/conditions.ts';
import type { Settings } from '../settings.ts';
import { timeOf } from '../timestamp.ts';
import { timeoutsOf } from '../timeouts.ts';
import type { Observed } from './observe.ts';

/** Every deadline is computed from recorded times and the clock, so a restart of the operator loses none. */

/** Ready according to its status, and of the pod that is there now. */
export function isReady({ sandbox: { status }, pod }: Observed): boolean {
  return (
    isConditionTrue(status?.conditions, SANDBOX_CONDITIONS.ready) &&
    status?.podUID === pod?.metadata.uid
  );
}

/** When a sandbox that is not Ready has failed: so long after its pod was made, whenever we came to that. */
export function startDeadline(
  { sandbox, pod, now }: Observed,
  { startTimeoutMs }: Settings,
): number {
  const { status, metadata } = sandbox;
  const ready = findCondition(status?.conditions, SANDBOX_CONDITIONS.ready);
  const lostAt = status?.phase === 'Recovering' ? timeOf(ready?.lastTransitionTime) : undefined;
  const begun = [metadata.creationTimestamp, pod?.metadata.creationTimestamp, status?.resumedAt];
  const since = latest(...begun.map(timeOf), lostAt);
  return (since ?? now) + startTimeoutMs;
}

/** When it ends whatever it does; undefined: never. */
export function expiresAt({ sandbox, template, now }: Observed): number | undefined {
  const { lifetimeMs } = timeoutsOf(sandbox, template);
  const createdAt = timeOf(sandbox.metadata.creationTimestamp) ?? now;
  return lifetimeMs === undefined ? undefined : createdAt + lifetimeMs;
}

/** When it was last used, as its status has it. The time that it was suspended for is not held against it. */
export function recordedUse({ sandbox: { status }, now }: Observed): number {
  const used = timeOf(status?.lastActivityTime) ?? timeOf(status?.readyAt);
  return latest(used, timeOf(status?.resumedAt)) ?? now;
}

function latest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** When it was last used, by all that is known now. The executor's word is no more than a claim about its own sandbox. */
export function knownUse(seen: Observed): number {
  if (seen.executions.some((execution) => !isFinished(execution))) return seen.now;
  const told = seen.executor.activity;
  if (told === undefined) return recordedUse(seen);
  const used = told.running > 0 ? told.askedAt : told.lastActivityAt;
  return Math.max(recordedUse(seen), Math.min(used, seen.now));
}

/** When a sandbox last used at `usedAt` ends as idle; undefined: never. */
export function idleDeadline({ sandbox, template }: Observed, usedAt: number): number | undefined {
  const { idleMs } = timeoutsOf(sandbox, template);
  return idleMs === undefined ? undefined : usedAt + idleMs;
}

/** Idle for too long by all that is known now. */
export function isIdleDue(seen: Observed): boolean {
  const deadline = idleDeadline(seen, knownUse(seen));
  return deadline !== undefined && deadline <= seen.now;
}
