import { GROUP, LABEL } from '../../crds/names.ts';
import { SANDBOXES } from '../../crds/sandbox.ts';
import { SANDBOX_TEMPLATES } from '../../crds/sandbox-template.ts';
import { controllerOf } from '../../kube/objects.ts';
import type { OwnerReference } from '../../kube/objects.ts';
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

function isNobodys(pod: Pod, owners: ReadonlySet<string>): boolean {
  const { labels = {}, ownerReferences = [] } = pod.metadata;
  const owner = controllerOf(pod);
  if (owner !== undefined) return isOfOurKinds(owner) && !owners.has(owner.uid);
  // Somebody else's may carry the label of who manages it, but none that tells what for.
  const isMade = labels[LABEL.sandbox] !== undefined || labels[LABEL.pool] !== undefined;
  return ownerReferences.length === 0 && isMade;
}

export function isOfOurKinds({ apiVersion, kind }: OwnerReference): boolean {
  const kinds: readonly string[] = [SANDBOXES.kind, SANDBOX_TEMPLATES.kind];
  return apiVersion.startsWith(`${GROUP}/`) && kinds.includes(kind);
}
