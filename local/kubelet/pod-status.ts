import type { ContainerState, Pod, PodStatus } from '../../kube/pod.ts';
import type { PodExit, PodStartError, RunningPod } from '../runners/pod-runner.ts';

/** An exit and when it was heard of. */
export interface TimedExit {
  readonly exit: PodExit;
  readonly at: string;
}

type PodCondition = NonNullable<PodStatus['conditions']>[number];

/** `Running`, ready at once: no probe is asked in a local run, readiness is what the executor says. */
export function runningStatus(pod: Pod, running: RunningPod): PodStatus {
  const at = running.startedAt;
  return {
    ...pod.status,
    phase: 'Running',
    startTime: pod.status?.startTime ?? at,
    conditions: conditions(pod, true, at),
    containerStatuses: [containerStatus(pod, { running: { startedAt: at } }, running.containerID)],
  };
}

/** `Pending`: the container could not be started yet. From the second failure on it says so as kubelet does while it backs off. */
export function waitingStatus(
  pod: Pod,
  error: PodStartError,
  context: { failures: number; at: string },
): PodStatus {
  const backingOff = error.code === 'ErrImagePull' && context.failures > 1;
  const waiting = {
    reason: backingOff ? 'ImagePullBackOff' : error.code,
    message: backingOff ? `Back-off: ${error.message}` : error.message,
  };
  return {
    ...pod.status,
    phase: 'Pending',
    startTime: pod.status?.startTime ?? context.at,
    conditions: conditions(pod, false, context.at),
    containerStatuses: [containerStatus(pod, { waiting })],
  };
}

/** `Succeeded` or `Failed`, as the container's exit code says. */
export function exitedStatus(pod: Pod, { exit, at }: TimedExit): PodStatus {
  const { exitCode, reason, message } = exit;
  return endedStatus(pod, at, {
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    terminated: { exitCode, reason, ...(message && { message }) },
  });
}

/** `Failed` at once: trying again cannot help. */
export function neverStartedStatus(pod: Pod, error: PodStartError, at: string): PodStatus {
  return endedStatus(pod, at, {
    phase: 'Failed',
    reason: error.code,
    message: error.message,
    terminated: { exitCode: 128, reason: 'StartError', message: error.message },
  });
}

/** `Failed`: the pod ran, its container is gone, and nobody saw how it ended. */
export function lostStatus(pod: Pod, at: string): PodStatus {
  const message =
    'The container could not be located: it ended while the control plane was not running.';
  return endedStatus(pod, at, {
    phase: 'Failed',
    reason: 'ContainerLost',
    message,
    terminated: { exitCode: 137, reason: 'ContainerStatusUnknown', message },
  });
}

/** `Pending` for good: this machine has not what the pod asks for. */
export function unschedulableStatus(pod: Pod, message: string, at: string): PodStatus {
  return {
    ...pod.status,
    phase: 'Pending',
    conditions: [
      condition(
        pod,
        { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message },
        at,
      ),
    ],
  };
}

interface Ending {
  readonly phase: 'Succeeded' | 'Failed';
  readonly reason?: string;
  readonly message?: string;
  readonly terminated: NonNullable<ContainerState['terminated']>;
}

function endedStatus(pod: Pod, at: string, { terminated, ...summary }: Ending): PodStatus {
  const containerID = pod.status?.containerStatuses?.[0]?.containerID;
  return {
    ...pod.status,
    ...summary,
    startTime: pod.status?.startTime ?? at,
    conditions: conditions(pod, false, at),
    containerStatuses: [
      containerStatus(pod, { terminated: { ...terminated, finishedAt: at } }, containerID),
    ],
  };
}

function containerStatus(
  pod: Pod,
  state: ContainerState,
  containerID?: string,
): NonNullable<PodStatus['containerStatuses']>[number] {
  const container = pod.spec.containers[0];
  return {
    name: container?.name ?? '',
    image: container?.image ?? '',
    imageID: '',
    ready: state.running !== undefined,
    restartCount: 0,
    ...(containerID !== undefined && { containerID }),
    state,
  };
}

function conditions(pod: Pod, ready: boolean, at: string): readonly PodCondition[] {
  const readiness = ready
    ? ({ status: 'True' } as const)
    : ({ status: 'False', reason: 'ContainersNotReady' } as const);
  return [
    condition(pod, { type: 'PodScheduled', status: 'True' }, at),
    condition(pod, { type: 'Initialized', status: 'True' }, at),
    condition(pod, { type: 'ContainersReady', ...readiness }, at),
    condition(pod, { type: 'Ready', ...readiness }, at),
  ];
}

/** Keeps the time of a condition whose status stays. */
function condition(pod: Pod, next: PodCondition, at: string): PodCondition {
  const before = pod.status?.conditions?.find(({ type }) => type === next.type);
  const kept = before?.status === next.status ? before.lastTransitionTime : undefined;
  return { ...next, lastTransitionTime: kept ?? at };
}
