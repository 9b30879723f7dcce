import type { KubeClient, Patch } from '../kube/client.ts';
import { ConflictError, InvalidError, NotFoundError } from '../kube/errors.ts';
import { mergePatchBetween } from '../kube/merge-patch.ts';
import { refOf } from '../kube/objects.ts';
import type { KubeObject, ResourceType } from '../kube/objects.ts';

export interface WithStatus extends KubeObject {
  readonly status?: object;
}

export interface StatusWrite<T extends WithStatus> {
  readonly type: ResourceType<T>;
  readonly object: T;
  readonly status: object;
  /** Throws a ConflictError if anybody has written to the object since. */
  readonly ifUnchanged?: boolean;
  readonly signal?: AbortSignal;
}

/** True if writing `status` would change nothing; undefined fields count as absent. */
export function sameStatus(object: WithStatus, status: object): boolean {
  return mergePatchBetween(object.status ?? {}, status) === undefined;
}

/**
 * Replaces the status of exactly this object (by UID) and returns what the server made of it; undefined: the object is gone.
 * A JSON patch, because a merge patch (RFC 7386) cannot carry a null: a handler's `{"a": null}` would be stored as `{}`.
 * No resourceVersion, unless asked for: each kind's status has a single writer, and a change of spec must not make the write fail.
 */
export async function writeStatus<T extends WithStatus>(
  client: KubeClient,
  { type, object, status, ifUnchanged = false, signal }: StatusWrite<T>,
): Promise<T | undefined> {
  const { uid, resourceVersion } = object.metadata;
  const version = {
    op: 'test',
    path: '/metadata/resourceVersion',
    value: resourceVersion,
  } as const;
  const patch: Patch = {
    kind: 'json',
    body: [
      { op: 'test', path: '/metadata/uid', value: uid },
      ...(ifUnchanged ? [version] : []),
      { op: 'add', path: '/status', value: status },
    ],
  };
  const options = { subresource: 'status', ...(signal === undefined ? {} : { signal }) } as const;
  try {
    return await client.patch(type, refOf(object), patch, options);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    if (!(error instanceof InvalidError)) throw error;
    // A test that did not hold is answered as what the schema does not allow: which of both it was, the object tells.
    const current = await currentOf(client, type, object);
    if (current === undefined) return undefined;
    if (ifUnchanged && current.metadata.resourceVersion !== resourceVersion) throw changed(error);
    throw error;
  }
}

/** Undefined: it is gone. */
async function currentOf<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType<T>,
  object: T,
): Promise<T | undefined> {
  try {
    const current = await client.get(type, refOf(object));
    return current.metadata.uid === object.metadata.uid ? current : undefined;
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

function changed(cause: InvalidError): ConflictError {
  const message = 'the object was changed since it was looked at';
  return new ConflictError({ code: 409, reason: 'Conflict', message }, { cause });
}
