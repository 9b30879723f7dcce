import type { Pod, PodStatus } from '../../kube/pod.ts';
import type { RunningPod } from '../runners/pod-runner.ts';
import { NODE_NAME, unschedulable } from './node.ts';
import {
  exitedStatus,
  lostStatus,
  runningStatus,
  unschedulableStatus,
  type TimedExit,
} from './pod-status.ts';

/** All that the kubelet knows about one pod. */
export interface Observed {
  /** Absent: the API server has no such pod any more. */
  readonly pod: Pod | undefined;
  readonly running: RunningPod | undefined;
  readonly exit: TimedExit | undefined;
  /** When a start that failed may be tried again, in milliseconds since the epoch. */
  readonly retryAt: number | undefined;
}

export type Action =
  | { readonly type: 'none' }
  /** Nothing of it may run: it is gone from the API server, or finished. */
  | { readonly type: 'stop' }
  /** Stop it, then tell the API server that it may forget the pod. */
  | { readonly type: 'delete'; readonly pod: Pod }
  | { readonly type: 'start'; readonly pod: Pod }
  | { readonly type: 'wait'; readonly ms: number }
  | { readonly type: 'report'; readonly pod: Pod; readonly status: PodStatus };

/** The one next thing to do for a pod. */
export function decide(observed: Observed, now: number): Action {
  const { pod } = observed;
  if (pod === undefined) return { type: 'stop' };
  if ((pod.spec.nodeName ?? NODE_NAME) !== NODE_NAME) return { type: 'none' };
  if (pod.metadata.deletionTimestamp !== undefined) return { type: 'delete', pod };
  const phase = pod.status?.phase;
  if (phase === 'Succeeded' || phase === 'Failed') return { type: 'stop' };
  return live(pod, observed, now);
}

function live(pod: Pod, { running, exit, retryAt }: Observed, now: number): Action {
  const at = new Date(now).toISOString();
  if (exit !== undefined) return report(pod, exitedStatus(pod, exit));
  if (running !== undefined) return report(pod, runningStatus(pod, running));
  if (pod.status?.phase === 'Running') return report(pod, lostStatus(pod, at));
  const missing = unschedulable(pod);
  if (missing !== undefined) return report(pod, unschedulableStatus(pod, missing, at));
  return retryAt !== undefined && retryAt > now
    ? { type: 'wait', ms: retryAt - now }
    : { type: 'start', pod };
}

function report(pod: Pod, status: PodStatus): Action {
  return { type: 'report', pod, status };
}
