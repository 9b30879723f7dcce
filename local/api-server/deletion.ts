import { conflict } from './errors.ts';
import type { Kind } from './kinds.ts';
import { withMeta, type StoredObject } from './objects.ts';
import { previewOf, type Entry, type Storage } from './storage.ts';

/** metav1.DeleteOptions. */
export interface DeleteOptions {
  readonly dryRun: boolean;
  readonly gracePeriodSeconds?: number | undefined;
  readonly uid?: string | undefined;
  readonly resourceVersion?: string | undefined;
  /** Absent: the object's own finalizers decide, and that is Background for most. */
  readonly propagationPolicy?: Propagation | undefined;
}

export type Propagation = 'Foreground' | 'Background' | 'Orphan';

export interface Deletion {
  readonly entry: Entry;
  /** False: it waits for its finalizers or its grace period. */
  readonly gone: boolean;
}

/** Finalizers through which a deleted object waits for the garbage collector. */
export const FOREGROUND = 'foregroundDeletion';
export const ORPHAN = 'orphan';

interface Target {
  readonly kind: Kind;
  readonly entry: Entry;
}

/** Deletes at once, or marks for deletion what has finalizers or a grace period (k8s.io/apiserver/pkg/registry/rest/delete.go). */
export function deletion(
  deps: { storage: Storage; now: () => number },
  target: Target,
  options: DeleteOptions,
): Deletion {
  checkPreconditions(target, options);
  const { kind, entry } = target;
  const marked =
    entry.object.metadata.deletionTimestamp === undefined
      ? begun(deps.now(), target, options)
      : hastened(target, options);
  if (marked === undefined) return { entry, gone: false };
  const waits =
    (marked.metadata.deletionGracePeriodSeconds ?? 0) > 0 ||
    kind.strategy.heldBy(marked).length > 0;
  if (options.dryRun) return { entry: previewOf(kind.storage, entry, marked), gone: !waits };
  if (waits) return { entry: deps.storage.put(kind.storage, entry, marked), gone: false };
  // What leaves no trace of its deletion is sent as it last was.
  return {
    entry: deps.storage.remove(kind.strategy.returnsDeleted ? { ...entry, object: marked } : entry),
    gone: true,
  };
}

function checkPreconditions(
  { kind, entry }: Target,
  { uid, resourceVersion }: DeleteOptions,
): void {
  const subject = { group: kind.group, kind: kind.kind, name: entry.name };
  const own = entry.object.metadata;
  if (uid !== undefined && uid !== own.uid) {
    throw conflict(
      subject,
      `the UID in the precondition (${uid}) does not match the UID in record (${own.uid}). The object might have been deleted and then recreated`,
    );
  }
  if (resourceVersion !== undefined && resourceVersion !== own.resourceVersion) {
    throw conflict(
      subject,
      `the ResourceVersion in the precondition (${resourceVersion}) does not match the ResourceVersion in record (${own.resourceVersion}). The object might have been modified`,
    );
  }
}

function begun(now: number, { kind, entry }: Target, options: DeleteOptions): StoredObject {
  const grace = kind.strategy.gracePeriodSeconds(entry.object, options.gracePeriodSeconds) ?? 0;
  const { generation, finalizers = [] } = entry.object.metadata;
  const waiting = propagated(finalizers, options.propagationPolicy);
  return withMeta(kind.strategy.terminating(entry.object), {
    deletionTimestamp: secondsLater(now, grace),
    deletionGracePeriodSeconds: grace,
    finalizers: waiting.length === 0 ? undefined : waiting,
    generation: generation === undefined ? undefined : generation + 1,
  });
}

/** A later delete can only shorten the wait; undefined if it does not. */
function hastened({ kind, entry }: Target, options: DeleteOptions): StoredObject | undefined {
  const { deletionTimestamp, deletionGracePeriodSeconds: left = 0 } = entry.object.metadata;
  const grace = kind.strategy.gracePeriodSeconds(entry.object, options.gracePeriodSeconds);
  if (grace === undefined || deletionTimestamp === undefined || grace >= left) return undefined;
  return withMeta(entry.object, {
    deletionTimestamp: secondsLater(Date.parse(deletionTimestamp), grace - left),
    deletionGracePeriodSeconds: grace,
  });
}

function propagated(
  finalizers: readonly string[],
  policy: Propagation | undefined,
): readonly string[] {
  if (policy === undefined) return finalizers;
  const others = finalizers.filter((finalizer) => finalizer !== FOREGROUND && finalizer !== ORPHAN);
  if (policy === 'Foreground') return [...others, FOREGROUND];
  return policy === 'Orphan' ? [...others, ORPHAN] : others;
}

function secondsLater(from: number, seconds: number): string {
  return new Date(from + seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z');
}
