import type { Sandbox } from '../crds/sandbox.ts';

export interface StateCounts {
  readonly checked: number;
  readonly healthy: number;
  readonly unhealthy: number;
  readonly recovered: number;
  readonly failed: number;
}

/** How the sessions stand. */
export function countStates(sandboxes: readonly Sandbox[]): StateCounts {
  const wanted = sandboxes.filter(
    ({ spec, status }) => spec.desiredState === 'Running' && status?.phase !== 'Terminated',
  );
  const count = (fits: (sandbox: Sandbox) => boolean): number => wanted.filter(fits).length;
  const healthy = count(({ status }) => status?.phase === 'Running');
  return {
    checked: wanted.length,
    healthy,
    unhealthy: wanted.length - healthy,
    recovered: count(({ status }) => (status?.restarts ?? 0) > 0 && status?.phase !== 'Failed'),
    failed: count(({ status }) => status?.phase === 'Failed'),
  };
}
