import type { Change, ReadCache } from './cache.ts';
import type { KubeObject, ObjectRef } from './objects.ts';

/** The object that was waited for was deleted before it came to be as wished. */
export class ObjectDeletedError extends Error {
  override readonly name = 'ObjectDeletedError';
  readonly code = 'ObjectDeleted';
  readonly retryable = false;
  readonly object: KubeObject;

  constructor(object: KubeObject) {
    super(`${object.kind} ${object.metadata.name} was deleted while it was waited for`);
    this.object = object;
  }
}

export interface WaitOptions<T extends KubeObject> {
  readonly until: (object: T) => boolean;
  readonly signal?: AbortSignal;
}

/**
 * Resolves with the object as soon as the cache shows it satisfying `until`, which may be now; an object that is not there yet is
 * waited for. Rejects with ObjectDeletedError when it is deleted meanwhile, and with the signal's reason on abort.
 */
export async function waitFor<T extends KubeObject>(
  cache: ReadCache<T>,
  ref: ObjectRef,
  { until, signal }: WaitOptions<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const present = cache.get(ref);
  if (present !== undefined && until(present)) return present;
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const unsubscribe = cache.subscribe((change) => {
    if (!concerns(change, ref)) return;
    try {
      if (change.type === 'deleted') throw new ObjectDeletedError(change.object);
      if (until(change.object)) resolve(change.object);
    } catch (error) {
      reject(error);
    }
  });
  const onAbort = (): void => {
    reject(signal?.reason);
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await promise;
  } finally {
    unsubscribe();
    signal?.removeEventListener('abort', onAbort);
  }
}

function concerns(change: Change<KubeObject>, ref: ObjectRef): boolean {
  const { name, namespace = '' } = change.object.metadata;
  return name === ref.name && namespace === ref.namespace;
}
