import type { Sandbox } from '../crds/sandbox.ts';
import { SANDBOX_TEMPLATES } from '../crds/sandbox-template.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Clock } from '../kube/clock.ts';
import { DeadlineError, withDeadline } from './deadline.ts';

export interface StateCounts {
  readonly checked: number;
  readonly healthy: number;
  readonly unhealthy: number;
  readonly recovered: number;
  readonly failed: number;
  readonly errors: readonly string[];
}

/** The operator keeps state in sync all the time, so a sync is a look at how it stands. */
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
    errors: [],
  };
}

const PROBE_MS = 2_000;

/** Whether the Kubernetes API answers a small question in time. */
export async function clusterAnswers(
  client: KubeClient,
  namespace: string,
  clock: Clock,
): Promise<boolean> {
  const reason = new DeadlineError('the Kubernetes API did not answer in time');
  const ask = async (signal: AbortSignal): Promise<boolean> => {
    await client.list(SANDBOX_TEMPLATES, { namespace, limit: 1, signal });
    return true;
  };
  return withDeadline({ clock, ms: PROBE_MS, reason, signals: [] }, ask).catch(() => false);
}
