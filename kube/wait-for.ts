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
export function waitFor<T extends KubeObject>(
  cache: ReadCache<T>,
  ref: ObjectRef,
  { until, signal }: WaitOptions<T>,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    signal?.throwIfAborted();
    const present = cache.get(ref);
    if (present !== undefined && until(present)) {
      resolve(present);
      return;
    }
    const onAbort = (): void => {
      stop();
      reject(toError(signal?.reason));
    };
    const stop = cache.subscribe((change) => {
      if (!concerns(change, ref)) return;
      const verdict = judge(change, until);
      if (verdict === undefined) return;
      stop();
      signal?.removeEventListener('abort', onAbort);
      if (verdict instanceof Error) reject(verdict);
      else resolve(verdict);
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

function concerns(change: Change<KubeObject>, ref: ObjectRef): boolean {
  const { name, namespace = '' } = change.object.metadata;
  return name === ref.name && namespace === ref.namespace;
}

function judge<T extends KubeObject>(
  change: Change<T>,
  until: (object: T) => boolean,
): T | ObjectDeletedError | undefined {
  if (change.type === 'deleted') return new ObjectDeletedError(change.object);
  return until(change.object) ? change.object : undefined;
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason });
}
