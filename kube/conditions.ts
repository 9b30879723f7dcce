import type { Condition } from './objects.ts';

/** A condition as a controller states it; when it last changed is worked out from what was there. */
export type ConditionUpdate = Omit<Condition, 'lastTransitionTime'>;

export function findCondition(
  conditions: readonly Condition[] | undefined,
  type: string,
): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function isConditionTrue(
  conditions: readonly Condition[] | undefined,
  type: string,
): boolean {
  return findCondition(conditions, type)?.status === 'True';
}

/**
 * The conditions with `next` in place of the one of its type. `lastTransitionTime` moves to `now` only when the status changes,
 * so restating a condition yields an equal list and no write.
 */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  next: ConditionUpdate,
  now: number,
): readonly Condition[] {
  const all = conditions ?? [];
  const current = findCondition(all, next.type);
  const lastTransitionTime =
    current?.status === next.status ? current.lastTransitionTime : secondsTime(now);
  const updated: Condition = { ...next, lastTransitionTime };
  if (current === undefined) return [...all, updated];
  return all.map((condition) => (condition === current ? updated : condition));
}

/** metav1.Time carries whole seconds. */
function secondsTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
