import type { SandboxReason } from '../../crds/reasons.ts';
import type { Settings } from '../settings.ts';
import { timeOf } from '../timestamp.ts';
import { isReady } from './deadlines.ts';
import type { Observed } from './observe.ts';
import { podState } from './pod-state.ts';

/** Why a pod will not serve again. */
export interface Loss {
  readonly reason: SandboxReason;
  readonly message: string;
}

export function lossOf(seen: Observed, settings: Settings): Loss | undefined {
  const state = podState(seen.pod);
  if (state.kind === 'over') return state;
  if (state.kind === 'absent') return vanished(seen);
  return silent(seen, settings);
}

/** A pod that the status knows and nobody else does; before that it merely has not been made yet. */
function vanished({ sandbox: { status } }: Observed): Loss | undefined {
  if (status?.podUID === undefined) return undefined;
  return { reason: 'PodFailed', message: `pod ${status.podName ?? ''} is gone` };
}

/** Silence counts only of one that served; before, the start deadline decides. */
function silent(seen: Observed, { silenceMs }: Settings): Loss | undefined {
  const since = seen.executor.silentSince;
  const hasServed = isReady(seen) || seen.sandbox.status?.phase === 'Suspending';
  if (!hasServed || since === undefined || seen.now - since < silenceMs) return undefined;
  const seconds = String(Math.round((seen.now - since) / 1_000));
  return { reason: 'PodFailed', message: `the executor has not answered for ${seconds} s` };
}

/** The losses in a row, one more included. */
export function lossesWithThis({ sandbox: { status }, now }: Observed, settings: Settings): number {
  const readyAt = timeOf(status?.readyAt);
  const wasStable = readyAt !== undefined && now - readyAt >= settings.stableMs;
  return wasStable ? 1 : (status?.lossesInARow ?? 0) + 1;
}

/** The first replacement comes at once. */
export function recoveryDelayMs(losses: number, { recoveryBackoffMs }: Settings): number {
  return losses <= 1 ? 0 : recoveryBackoffMs * 2 ** (losses - 2);
}
