import { ANNOTATION } from '../../crds/names.ts';
import { SANDBOXES, type Sandbox } from '../../crds/sandbox.ts';
import { controllerOf } from '../../kube/objects.ts';
import type { Pod } from '../../kube/pod.ts';

/**
 * A workspace belongs to the pod's sandbox and outlives the pod; a pod that has none, or had none when it started, has its own.
 * After a suspension it is another one: the store has what was in the last pod, and the disk may have what was in an earlier one.
 */
export function workspaceOf({ metadata, ...pod }: Pod): string {
  const owner = controllerOf({ metadata, ...pod });
  if (owner?.kind !== SANDBOXES.kind) return metadata.uid;
  return workspaceId(owner.uid, metadata.annotations?.[ANNOTATION.suspensions] ?? '0');
}

/** The one that a lost pod of a sandbox leaves to the next. */
export function keptWorkspaceOf({ metadata, status }: Sandbox): string {
  return workspaceId(metadata.uid, String(status?.suspensions ?? 0));
}

/** It becomes a part of the names of folders and volumes, and an annotation is anybody's to write. */
function workspaceId(sandboxUID: string, suspensions: string): string {
  return /^[1-9]\d{0,8}$/.test(suspensions) ? `${sandboxUID}-${suspensions}` : sandboxUID;
}
