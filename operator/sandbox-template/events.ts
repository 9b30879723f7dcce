import type { SandboxTemplate } from '../../crds/sandbox-template.ts';
import type { ObjectEvent } from '../../kube/events.ts';

/** Allowed, for running sandboxes no longer need their template; but a lost pod of theirs can't be replaced without it. */
export function deletedWhileInUse(template: SandboxTemplate, sandboxes: number): ObjectEvent {
  return {
    regarding: template,
    type: 'Warning',
    reason: 'DeletedWhileInUse',
    action: 'Delete',
    note: `${String(sandboxes)} sandboxes of this template go on; they cannot be recovered if they lose their pod`,
  };
}
