import type { KubeObject } from '../kube/objects.ts';
import { GROUP, LABEL } from './names.ts';
import { SANDBOXES } from './sandbox.ts';
import { SANDBOX_TEMPLATES } from './sandbox-template.ts';

/** Whether a pod is ours and none of these owners, sandboxes and templates by UID, has it. */
export function isNobodys({ metadata }: KubeObject, owners: ReadonlySet<string>): boolean {
  const { labels = {}, ownerReferences = [] } = metadata;
  const owner = ownerReferences.find(({ controller }) => controller === true);
  if (owner !== undefined) return isOfOurKinds(owner) && !owners.has(owner.uid);
  // Somebody else's may carry the label of who manages it, but none that tells what for.
  const isMade = labels[LABEL.sandbox] !== undefined || labels[LABEL.pool] !== undefined;
  return ownerReferences.length === 0 && isMade;
}

function isOfOurKinds({ apiVersion, kind }: { apiVersion: string; kind: string }): boolean {
  const kinds: readonly string[] = [SANDBOXES.kind, SANDBOX_TEMPLATES.kind];
  return apiVersion.startsWith(`${GROUP}/`) && kinds.includes(kind);
}
