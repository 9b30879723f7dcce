import { byteCountOf } from '../../crds/byte-count.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import type { SandboxTemplate } from '../../crds/sandbox-template.ts';
import type { ExecutorTarget } from '../../executor/client.ts';
import { keyOf, refOf } from '../../kube/objects.ts';
import type { WorkspaceOrder } from './workspaces.ts';

interface Seen {
  readonly sandbox: Sandbox;
  readonly template: SandboxTemplate | undefined;
  readonly target: ExecutorTarget | undefined;
}

/** A session has stored at most what its disk holds; of a template that is gone nobody knows how much that is. */
const UNKNOWN_DISK = '1Gi';

/** Undefined: its executor cannot be reached. */
export function workspaceOrder({ sandbox, template, target }: Seen): WorkspaceOrder | undefined {
  if (target === undefined) return undefined;
  const disk = sandbox.spec.resources.disk ?? template?.spec.resources.disk ?? UNKNOWN_DISK;
  return {
    sandboxUID: sandbox.metadata.uid,
    key: keyOf(refOf(sandbox)),
    target,
    limitBytes: byteCountOf(disk),
  };
}
