import { createHash } from 'node:crypto';
import type { Sandbox } from '../../crds/sandbox.ts';

const LONGEST_LABEL = 63;

/** The name of the pod that serves a sandbox now: the sandbox's own, or with the number of the replacement behind it. */
export function podName(sandbox: Sandbox): string {
  const restarts = sandbox.status?.restarts ?? 0;
  const suffix = restarts === 0 ? '' : `-${String(restarts)}`;
  return shortened(sandbox.metadata.name, LONGEST_LABEL - suffix.length) + suffix;
}

/** The value of the label that finds a sandbox's pods. */
export function sandboxLabel(sandbox: Sandbox): string {
  return shortened(sandbox.metadata.name, LONGEST_LABEL);
}

/** Pod names are host names too, so a long name keeps its head and gets a hash that keeps it apart from its like. */
function shortened(name: string, longest: number): string {
  if (name.length <= longest) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${name.slice(0, longest - hash.length - 1).replace(/[-.]+$/, '')}-${hash}`;
}
