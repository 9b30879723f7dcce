import { createHash } from 'node:crypto';
import { LABEL } from '../../crds/names.ts';
import { incarnationOf } from '../../crds/sandbox.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import type { Pod } from '../../kube/pod.ts';

const LONGEST_LABEL = 63;

/** The name of the pod that serves a sandbox now: the sandbox's own, or with the number of the incarnation behind it. */
export function podName(sandbox: Sandbox): string {
  const incarnation = incarnationOf(sandbox);
  const suffix = incarnation === 0 ? '' : `-${String(incarnation)}`;
  return shortened(sandbox.metadata.name, LONGEST_LABEL - suffix.length) + suffix;
}

/**
 * Whether this pod, which the sandbox owns, is the one that is to serve it now: the one that its status names, or else the one of the deterministic name, or the one that was
 * taken from a pool for this incarnation of the sandbox and has not found its way into the status yet. One that its pool was giving up as it was taken never does.
 */
export function isServingPod(sandbox: Sandbox, { metadata }: Pod): boolean {
  const { podName: recorded } = sandbox.status ?? {};
  if (recorded !== undefined) return metadata.name === recorded;
  if (metadata.name === podName(sandbox)) return true;
  return metadata.deletionTimestamp === undefined && takenFor(metadata) === incarnationOf(sandbox);
}

/** The incarnation that a pod was taken from a pool for: its sandbox's first, unless it says another; undefined: it never was in one. */
function takenFor({ labels }: Pod['metadata']): number | undefined {
  const said = labels?.[LABEL.incarnation];
  if (said !== undefined) return Number(said);
  return isFromPool(labels) ? 0 : undefined;
}

/** Whether a pod with these labels was made for a pool. */
export function isFromPool(labels: Pod['metadata']['labels']): boolean {
  return labels?.[LABEL.make] !== undefined;
}

/** The name under which the pod that serves a sandbox is looked for at the server. */
export function expectedPodName(sandbox: Sandbox): string {
  return sandbox.status?.podName ?? podName(sandbox);
}

/** The value of the label that finds a sandbox's pods. */
export function sandboxLabel(sandbox: Sandbox): string {
  return shortened(sandbox.metadata.name, LONGEST_LABEL);
}

/** A name as the value of a label. */
export function labelOf(name: string): string {
  return shortened(name, LONGEST_LABEL);
}

/** The name of a pod that waits in the pool of a template. */
export function poolPodName(template: string, suffix: string): string {
  return `${shortened(template, LONGEST_LABEL - suffix.length - 1)}-${suffix}`;
}

/** Pod names are host names too, so a long name keeps its head and gets a hash that keeps it apart from its like. */
function shortened(name: string, longest: number): string {
  if (name.length <= longest) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${name.slice(0, longest - hash.length - 1).replace(/[-.]+$/, '')}-${hash}`;
}
