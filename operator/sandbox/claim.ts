import { LABEL } from '../../crds/names.ts';
import { incarnationOf } from '../../crds/sandbox.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import type { Patch } from '../../kube/client.ts';
import { controllerReference } from '../../kube/owner-reference.ts';
import type { Pod } from '../../kube/pod.ts';
import type { Claim } from './observe.ts';
import { sandboxLabel } from './pod-name.ts';

/**
 * Makes a member of a template's pool the pod of a sandbox, in one write and only if the pool still has it: the tests of a JSON patch (RFC 6902) are the
 * lock. Not the resourceVersion: the kubelet moves that on without anybody having taken the pod.
 *
 * Its labels stay as they are. A kubelet does not look at a pod again whose owner alone has changed, nor does what enforces NetworkPolicies: that would cost more than all the rest
 * of a claim, and with an identity per set of labels, as Cilium has it, seconds. Only a pod for a later incarnation says which, for an earlier one may still be there, and one that is to be resized says that.
 */
export function claimPatch(
  member: Pod,
  sandbox: Sandbox,
  { template, resizes }: Pick<Claim, 'template' | 'resizes'>,
): Patch {
  return {
    kind: 'json',
    body: [
      { op: 'test', path: '/metadata/uid', value: member.metadata.uid },
      { op: 'test', path: '/metadata/ownerReferences/0/uid', value: template.metadata.uid },
      { op: 'replace', path: '/metadata/ownerReferences', value: [controllerReference(sandbox)] },
      FROM_NOW_ON_UNTRACKED,
      ...laterIncarnation(sandbox),
      ...(resizes ? [{ op: 'add', path: label(LABEL.resize), value: 'true' }] : []),
    ],
  };
}

/**
 * Who set which field of the pod is forgotten, and not kept track of again before somebody applies to it (apimachinery, managedfields/internal/skipnonapplied.go): that takes the API
 * server 3 to 4 of the 9 ms of processor time of a write to a pod, also of each status that the kubelet writes later (measured on Kubernetes 1.34). Nobody applies to a pod of ours; who looks into one finds its owner.
 */
const FROM_NOW_ON_UNTRACKED = { op: 'add', path: '/metadata/managedFields', value: [{}] } as const;

function laterIncarnation(sandbox: Sandbox): readonly object[] {
  const incarnation = incarnationOf(sandbox);
  if (incarnation === 0) return [];
  return [
    { op: 'add', path: label(LABEL.sandbox), value: sandboxLabel(sandbox) },
    { op: 'add', path: label(LABEL.incarnation), value: String(incarnation) },
  ];
}

/** As a JSON pointer (RFC 6901). */
function label(name: string): string {
  return `/metadata/labels/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
