import type { SandboxTemplate } from '../../crds/sandbox-template.ts';
import type { EventRecorder, ObjectEvent } from '../../kube/events.ts';
import { keyOf, refOf } from '../../kube/objects.ts';
import type { Caches } from '../caches.ts';
import { liveSandboxes } from './observe.ts';

/** A template has no finalizer, so that it is in use is told after the fact. */
export function warnAboutDeletedTemplates(
  caches: Pick<Caches, 'templates' | 'sandboxes'>,
  events: EventRecorder,
): void {
  caches.templates.subscribe(({ type, object }) => {
    if (type !== 'deleted') return;
    const sandboxes = liveSandboxes(caches, keyOf(refOf(object))).length;
    if (sandboxes > 0) events.record(deletedWhileInUse(object, sandboxes));
  });
}

/** Its pool stays smaller than it should be. */
export function poolRefused(template: SandboxTemplate, message: string): ObjectEvent {
  return {
    regarding: template,
    type: 'Warning',
    reason: 'PodRejected',
    action: 'FillWarmPool',
    note: `the warm pool gets no more pods: ${message}`,
  };
}

/** Its pool stays empty, and sandboxes start cold. */
export function packagesFailed(template: SandboxTemplate, message: string): ObjectEvent {
  return {
    regarding: template,
    type: 'Warning',
    reason: 'DependencyInstallFailed',
    action: 'FillWarmPool',
    note: `pods of the warm pool cannot get the template's packages: ${message}`,
  };
}

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
