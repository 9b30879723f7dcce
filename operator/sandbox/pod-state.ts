import type { SandboxReason } from '../../crds/reasons.ts';
import type { ContainerState, ContainerStatus, Pod } from '../../kube/pod.ts';

/** What a pod's many fields amount to for us. */
export type PodState =
  | { readonly kind: 'absent' }
  | { readonly kind: 'waiting'; readonly reason: WaitingReason; readonly message: string }
  | { readonly kind: 'running' }
  /** It will not serve again, whatever becomes of the object. */
  | { readonly kind: 'over'; readonly reason: OverReason; readonly message: string };

type WaitingReason = Extract<
  SandboxReason,
  'PodPending' | 'Unschedulable' | 'ImagePullFailed' | 'PodFailed'
>;
export type OverReason = Extract<SandboxReason, 'PodFailed' | 'OOMKilled' | 'Evicted' | 'NodeLost'>;

/** Neither gone nor about to go. */
export function isLive(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp === undefined;
}

/** The rules are in order: what ends a pod comes before what delays it. */
export function podState(pod: Pod | undefined): PodState {
  if (pod === undefined) return { kind: 'absent' };
  return disrupted(pod) ?? ended(pod) ?? running(pod) ?? waiting(pod);
}

/** Kubernetes names the cause in a DisruptionTarget condition (KEP-3329), older kubelets in `status.reason`. */
function disrupted(pod: Pod): PodState | undefined {
  const cause = disruptionCause(pod);
  if (cause === undefined) return undefined;
  return { kind: 'over', reason: cause, message: wordsOf(pod) ?? `the pod was lost: ${cause}` };
}

const NODE_IS_GONE = new Set([
  'NodeLost',
  'DeletionByTaintManager',
  'DeletionByPodGC',
  'NodeShutdown',
]);

function disruptionCause(pod: Pod): 'Evicted' | 'NodeLost' | undefined {
  if (pod.status?.phase === 'Unknown') return 'NodeLost';
  const reason = disruptionTarget(pod)?.reason ?? pod.status?.reason;
  if (reason !== undefined && NODE_IS_GONE.has(reason)) return 'NodeLost';
  return reason === 'Evicted' || disruptionTarget(pod) !== undefined ? 'Evicted' : undefined;
}

function disruptionTarget(
  pod: Pod,
): { readonly reason?: string; readonly message?: string } | undefined {
  return pod.status?.conditions?.find(
    ({ type, status }) => type === 'DisruptionTarget' && status === 'True',
  );
}

function ended(pod: Pod): PodState | undefined {
  const terminated = containerStatus(pod)?.state?.terminated;
  if (terminated !== undefined) return containerEnded(terminated);
  const phase = pod.status?.phase;
  if (phase === 'Failed' || phase === 'Succeeded') {
    return over(wordsOf(pod) ?? `the pod ended in phase ${phase}`);
  }
  return pod.metadata.deletionTimestamp === undefined ? undefined : over('the pod was deleted');
}

function containerEnded({
  exitCode,
  reason = 'no reason given',
  message = reason,
}: NonNullable<ContainerState['terminated']>): PodState {
  return reason === 'OOMKilled'
    ? { kind: 'over', reason, message: 'the container used up its memory' }
    : over(`the container ended with exit code ${String(exitCode)}: ${message}`);
}

function over(message: string): PodState {
  return { kind: 'over', reason: 'PodFailed', message };
}

function running(pod: Pod): PodState | undefined {
  const isRunning =
    pod.status?.phase === 'Running' || containerStatus(pod)?.state?.running !== undefined;
  return isRunning ? { kind: 'running' } : undefined;
}

function waiting(pod: Pod): PodState {
  const { reason = '', message = reason } = containerStatus(pod)?.state?.waiting ?? {};
  if (/Image|Registry/.test(reason)) return { kind: 'waiting', reason: 'ImagePullFailed', message };
  if (/Error$|BackOff$/.test(reason)) return { kind: 'waiting', reason: 'PodFailed', message };
  return unschedulable(pod) ?? { kind: 'waiting', reason: 'PodPending', message: slowWords(pod) };
}

function unschedulable(pod: Pod): PodState | undefined {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'False' || scheduled.reason !== 'Unschedulable') return undefined;
  const message = scheduled.message ?? 'no node fits the pod';
  return { kind: 'waiting', reason: 'Unschedulable', message };
}

function slowWords(pod: Pod): string {
  return pod.spec.nodeName === undefined
    ? 'the pod waits for a node'
    : 'the pod waits for its container to start';
}

function wordsOf(pod: Pod): string | undefined {
  return disruptionTarget(pod)?.message ?? pod.status?.message;
}

/** A sandbox's pod has one container. */
function containerStatus(pod: Pod): ContainerStatus | undefined {
  return pod.status?.containerStatuses?.[0];
}
