import { LIMITS } from '../crds/limits.ts';
import type { Sandbox } from '../crds/sandbox.ts';
import type { SandboxTemplate } from '../crds/sandbox-template.ts';
import { timeOf } from './timestamp.ts';

/** The timeouts that hold for a sandbox. Zero was asked for as "never" and is undefined here. */
export interface Timeouts {
  readonly executionMs: number;
  readonly idleMs: number | undefined;
  readonly lifetimeMs: number | undefined;
}

/** The sandbox decides, then its template; once the template is deleted, what the status recorded. */
export function timeoutsOf(sandbox: Sandbox, template: SandboxTemplate | undefined): Timeouts {
  const own = sandbox.spec.timeouts;
  const inherited = template?.spec.timeouts;
  const executionSeconds =
    own.executionSeconds ?? inherited?.executionSeconds ?? LIMITS.executionTimeoutSeconds.default;
  return {
    executionMs: executionSeconds * 1_000,
    idleMs: limit(own.idleSeconds ?? inherited?.idleSeconds, recordedIdleMs(sandbox)),
    lifetimeMs: limit(
      own.lifetimeSeconds ?? inherited?.lifetimeSeconds,
      recordedLifetimeMs(sandbox),
    ),
  };
}

export function onIdleOf(
  sandbox: Sandbox,
  template: SandboxTemplate | undefined,
): 'Terminate' | 'Suspend' {
  const inherited = template?.spec.timeouts.onIdle ?? sandbox.status?.inherited?.onIdle;
  return sandbox.spec.timeouts.onIdle ?? inherited ?? 'Terminate';
}

function limit(seconds: number | undefined, recordedMs: number | undefined): number | undefined {
  if (seconds === undefined) return recordedMs;
  return seconds === 0 ? undefined : seconds * 1_000;
}

function recordedIdleMs({ status }: Sandbox): number | undefined {
  return between(status?.lastActivityTime, status?.idleDeadline);
}

function recordedLifetimeMs({ metadata, status }: Sandbox): number | undefined {
  return between(metadata.creationTimestamp, status?.expiresAt);
}

function between(from: string | undefined, to: string | undefined): number | undefined {
  const [start, end] = [timeOf(from), timeOf(to)];
  return start === undefined || end === undefined ? undefined : end - start;
}
