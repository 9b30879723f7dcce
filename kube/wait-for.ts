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
  const change = await nextChange(
    cache,
    (next) => concerns(next, ref) && decides(next, until),
    signal,
  );
  if (change.type === 'deleted') throw new ObjectDeletedError(change.object);
  return change.object;
}

async function nextChange<T extends KubeObject>(
  cache: ReadCache<T>,
  wanted: (change: Change<T>) => boolean,
  signal: AbortSignal | undefined,
): Promise<Change<T>> {
  let stop = (): void => undefined;
  const found = await new Promise<Change<T> | undefined>((resolve) => {
    const onAbort = (): void => {
      resolve(undefined);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const unsubscribe = cache.subscribe((change) => {
      if (wanted(change)) resolve(change);
    });
    stop = () => {
      unsubscribe();
      signal?.removeEventListener('abort', onAbort);
    };
  });
  stop();
  if (found !== undefined) return found;
  signal?.throwIfAborted();
  throw new Error('woken for nothing');
}

function concerns(change: Change<KubeObject>, ref: ObjectRef): boolean {
  const { name, namespace = '' } = change.object.metadata;
  return name === ref.name && namespace === ref.namespace;
}

function decides<T extends KubeObject>(change: Change<T>, until: (object: T) => boolean): boolean {
  return change.type === 'deleted' || until(change.object);
}
