import type { Pod } from '../../kube/pod.ts';

/** The only node of a local run. */
export const NODE_NAME = 'local';

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

const NODE_LABELS: Readonly<Record<string, string>> = {
  'kubernetes.io/hostname': NODE_NAME,
  'kubernetes.io/os': 'linux',
  'kubernetes.io/arch': ARCHITECTURES[process.arch] ?? process.arch,
};

/** Why this machine cannot run the pod, in a scheduler's words; undefined if it can. */
export function unschedulable(pod: Pod): string | undefined {
  const { runtimeClassName, nodeSelector = {} } = pod.spec;
  if (runtimeClassName !== undefined) {
    return `0/1 nodes are available: a local run has no runtime class ${runtimeClassName}, only a Kubernetes cluster can have it.`;
  }
  const missing = Object.entries(nodeSelector).find(([name, value]) => NODE_LABELS[name] !== value);
  return missing && `0/1 nodes are available: this machine has no label ${missing.join('=')}.`;
}
