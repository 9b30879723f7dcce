import type { KubeClient } from './client.ts';
import { AlreadyExistsError } from './errors.ts';
import { controllerOf, refOf } from './objects.ts';
import type { Draft, KubeObject, ObjectRef, OwnerReference, ResourceType } from './objects.ts';

/** The name of a child is taken by an object that is not ours; deleting or adopting it would be wrong. */
export class NotOwnedError extends Error {
  override readonly name = 'NotOwnedError';
  readonly code = 'NotOwned';
  readonly retryable = true;
  readonly object: KubeObject;

  constructor(object: KubeObject, owner: KubeObject) {
    super(
      `${object.kind} ${object.metadata.name} exists but is not controlled by ${owner.kind} ${owner.metadata.name} (${owner.metadata.uid})`,
    );
    this.object = object;
  }
}

/** The reference by which garbage collection deletes a child with its owner, and foreground deletion waits for it. */
export function controllerReference(owner: KubeObject): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Compares UIDs: an owner that was deleted and made again under its old name does not own the old one's children. */
export function isControlledBy(object: KubeObject, owner: KubeObject): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid;
}

export interface OwnedDraft<T extends KubeObject> {
  /** Must carry a deterministic name: that is what makes creating twice harmless. */
  readonly draft: Draft<T>;
  readonly owner: KubeObject;
  readonly signal?: AbortSignal;
}

/**
 * Creates a child of `owner`, or returns the one that an earlier attempt or a stale cache left behind.
 * Throws NotOwnedError if the name belongs to something else.
 */
export async function createOwned<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  { draft, owner, signal }: OwnedDraft<T>,
): Promise<T> {
  const metadata = { ...draft.metadata, ownerReferences: [controllerReference(owner)] };
  const ref = childRef(draft.metadata, owner);
  try {
    return await client.create(type, { ...draft, metadata: { ...metadata, ...ref } }, signal);
  } catch (error) {
    if (!(error instanceof AlreadyExistsError)) throw error;
    const existing = await client.get(type, ref, signal);
    if (!isControlledBy(existing, owner)) throw new NotOwnedError(existing, owner);
    return existing;
  }
}

function childRef(metadata: Draft<KubeObject>['metadata'], owner: KubeObject): ObjectRef {
  if (metadata.name === undefined) throw new TypeError('an owned child needs a deterministic name');
  return { namespace: metadata.namespace ?? refOf(owner).namespace, name: metadata.name };
}
