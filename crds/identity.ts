import type { KubeObject } from '../kube/objects.ts';
import { ANNOTATION } from './names.ts';
import type { Sandbox } from './sandbox.ts';

/** Who an object is for a REST client: the same for a live object and for its row in the history. */

const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$/;

/** The id that REST clients know an object by. */
export function restIdOf(object: KubeObject): string {
  return object.metadata.annotations?.[ANNOTATION.restId] ?? object.metadata.name;
}

/** The REST id of a sandbox's template, also after that is gone. */
export function templateIdOf(sandbox: Sandbox): string {
  return sandbox.metadata.annotations?.[ANNOTATION.templateRestId] ?? sandbox.spec.templateRef.name;
}

/** To the millisecond where REST created the object, else to the second. */
export function createdAtOf(object: KubeObject): string {
  const exact = object.metadata.annotations?.[ANNOTATION.createdAt] ?? '';
  return ISO_TIME.test(exact) && !Number.isNaN(Date.parse(exact))
    ? exact
    : object.metadata.creationTimestamp;
}
