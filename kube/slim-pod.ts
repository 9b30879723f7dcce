import type { Pod, PodStatus } from './pod.ts';

/** A pod cut down to what a cache's readers ask for: who it is, where it runs, what it may use and how it is. Most of a pod says how to start it, and how its node did that. */
export function slimPod(pod: Pod): Pod {
  return {
    ...pod,
    spec: {
      ...pick(pod.spec, ['nodeName']),
      containers: pod.spec.containers.map((one) => pick(one, ['name', 'image', 'resources'])),
    },
    ...(pod.status && { status: slimStatus(pod.status) }),
  };
}

function slimStatus(status: PodStatus): PodStatus {
  const { conditions, containerStatuses } = status;
  return {
    ...pick(status, ['phase', 'reason', 'message', 'podIP', 'startTime']),
    ...(conditions && { conditions: conditions.map((one) => pick(one, CONDITION)) }),
    ...(containerStatuses && {
      containerStatuses: containerStatuses.map((one) => pick(one, CONTAINER_STATUS)),
    }),
  };
}

const CONDITION = ['type', 'status', 'reason', 'message', 'lastTransitionTime'] as const;

const CONTAINER_STATUS = [
  'name',
  'ready',
  'restartCount',
  'containerID',
  'resources',
  'state',
] as const;

function pick<T extends object, K extends keyof T & string>(
  object: T,
  names: readonly K[],
): Pick<T, K> {
  const kept: Partial<Pick<T, K>> = {};
  for (const name of names) if (name in object) kept[name] = object[name];
  return kept as Pick<T, K>;
}
