import { isNobodys } from '../../crds/ownership.ts';
import type { Pod } from '../../kube/pod.ts';
import { isLive } from '../sandbox/pod-state.ts';
import { timeOf } from '../timestamp.ts';

/** What is needed to tell which pods are nobody's. */
export interface PodsAndOwners {
  readonly pods: readonly Pod[];
  /** UIDs of all sandboxes and templates. */
  readonly owners: ReadonlySet<string>;
  readonly now: number;
}

/** Longer than a healthy watch lags behind another. */
const GRACE_MS = 60_000;

/** Pods of ours that no sandbox and no pool has, as far as caches know, and not since a moment ago. Pure. */
export function orphanPods({ pods, owners, now }: PodsAndOwners): readonly Pod[] {
  return pods.filter((pod) => {
    const age = now - (timeOf(pod.metadata.creationTimestamp) ?? now);
    return isLive(pod) && age >= GRACE_MS && isNobodys(pod, owners);
  });
}
