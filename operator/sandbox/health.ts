import type { Settings } from '../settings.ts';
import type { Action } from './act.ts';
import type { Urgency } from './executor-monitor.ts';
import type { Observed } from './observe.ts';

/** When its executor is asked whether it still answers. */

export function askHealth({ target }: Observed, urgency: Urgency): readonly Action[] {
  return target === undefined ? [] : [{ type: 'askHealth', target, urgency }];
}

/** Of an executor that serves: now and then, and at once while it is silent. */
export function askHealthIfDue(
  seen: Observed,
  { livenessIntervalMs }: Settings,
): readonly Action[] {
  const { answeredAt, silentSince } = seen.executor;
  const isDue = answeredAt === undefined || answeredAt + livenessIntervalMs <= seen.now;
  return isDue || silentSince !== undefined ? askHealth(seen, 'others') : [];
}

/** When there is something to do about its answers or its silence. */
export function healthDueAt(
  { executor: { answeredAt, silentSince } }: Observed,
  { livenessIntervalMs, silenceMs }: Settings,
): readonly (number | undefined)[] {
  return [
    answeredAt === undefined ? undefined : answeredAt + livenessIntervalMs,
    silentSince === undefined ? undefined : silentSince + silenceMs,
  ];
}
