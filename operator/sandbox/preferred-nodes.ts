import type { SandboxTemplate } from '../../crds/sandbox-template.ts';
import type { Draft } from '../../kube/objects.ts';
import type { Pod, PreferredNodes } from '../../kube/pod.ts';
import { isLive, podState } from './pod-state.ts';

/** A pod names no more than these; the object must not grow with the cluster. */
const MOST_NODES = 16;
/** All weigh the same: only their sum is compared, and the scheduler brings that to its own scale. */
const WEIGHT = 100;

/**
 * Nodes that run pods of the template, the fullest first, as long as they run fewer than it wishes on one. None where as many pods as those have places
 * for wait for a node already: a burst would otherwise crowd onto the first of them.
 */
export function preferredNodes({ spec }: SandboxTemplate, pods: readonly Pod[]): readonly string[] {
  const { podsPerNode } = spec.scheduling;
  const present = pods.filter((pod) => isLive(pod) && podState(pod).kind !== 'over');
  const counts = countByNode(present);
  const open = [...counts].filter(([, count]) => count < podsPerNode);
  const places = open.reduce((sum, [, count]) => sum + podsPerNode - count, 0);
  if (present.filter(({ spec }) => spec.nodeName === undefined).length >= places) return [];
  open.sort(([a, most], [b, more]) => more - most || (a < b ? -1 : 1));
  return open.slice(0, MOST_NODES).map(([node]) => node);
}

function countByNode(pods: readonly Pod[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { spec } of pods) {
    if (spec.nodeName !== undefined)
      counts.set(spec.nodeName, (counts.get(spec.nodeName) ?? 0) + 1);
  }
  return counts;
}

/**
 * The pod with the wish for these nodes. By their names, which is what pods tell of them: the label kubernetes.io/hostname may be another word. A field takes
 * one value per term (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#NodeSelectorRequirement).
 */
export function preferring(draft: Draft<Pod>, nodes: readonly string[]): Draft<Pod> {
  if (nodes.length === 0) return draft;
  const preferredDuringSchedulingIgnoredDuringExecution = nodes.map(wishFor);
  const affinity = { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution } };
  return { ...draft, spec: { ...draft.spec, affinity } };
}

function wishFor(node: string): PreferredNodes {
  const name = { key: 'metadata.name', operator: 'In', values: [node] } as const;
  return { weight: WEIGHT, preference: { matchFields: [name] } };
}
