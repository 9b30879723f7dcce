import type { Patch } from './client.ts';
import type { KubeObject } from './objects.ts';

export function hasFinalizer(object: KubeObject, finalizer: string): boolean {
  return object.metadata.finalizers?.includes(finalizer) ?? false;
}

/** The patch that adds `finalizer`, or undefined when the object has it. */
export function addFinalizerPatch(object: KubeObject, finalizer: string): Patch | undefined {
  if (hasFinalizer(object, finalizer)) return undefined;
  return finalizersPatch(object, [...(object.metadata.finalizers ?? []), finalizer]);
}

/** The patch that removes `finalizer`, or undefined when the object has it no more. */
export function removeFinalizerPatch(object: KubeObject, finalizer: string): Patch | undefined {
  if (!hasFinalizer(object, finalizer)) return undefined;
  return finalizersPatch(
    object,
    (object.metadata.finalizers ?? []).filter((name) => name !== finalizer),
  );
}

/** A merge patch replaces whole lists, so without the resourceVersion it could drop another controller's finalizer. */
function finalizersPatch(object: KubeObject, finalizers: readonly string[]): Patch {
  const { resourceVersion } = object.metadata;
  return { kind: 'merge', body: { metadata: { resourceVersion, finalizers } } };
}
