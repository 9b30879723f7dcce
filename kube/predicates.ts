import { isDeepStrictEqual } from 'node:util';
import type { Change } from './cache.ts';
import type { KubeObject } from './objects.ts';

/** Whether a change is worth a reconcile. Additions and deletions pass every predicate here; a cache drops changes of nothing by itself. */
export type Predicate<T extends KubeObject> = (change: Change<T>) => boolean;

/**
 * Passes updates of the spec. With status as a subresource the server raises `generation` for the spec only, so a controller does not wake up
 * from its own status writes. Mind that
 * - a status spoilt by someone else is not noticed before the next resync;
 * - labels, annotations and finalizers do not count (combine with the predicates below);
 * - built-in kinds may have no generation, or raise it for less (Pods): do not use it on them.
 */
export function generationChanged(change: Change<KubeObject>): boolean {
  return differs(change, (object) => object.metadata.generation);
}

/** Passes the update by which an object begins to be deleted: finalizers keep it visible from then on. */
export function deletionChanged(change: Change<KubeObject>): boolean {
  return differs(change, (object) => object.metadata.deletionTimestamp);
}

export function labelsChanged(change: Change<KubeObject>): boolean {
  return differs(change, (object) => object.metadata.labels);
}

export function annotationsChanged(change: Change<KubeObject>): boolean {
  return differs(change, (object) => object.metadata.annotations);
}

/** Passes updates that change what `select` returns, compared deeply. */
export function changed<T extends KubeObject>(select: (object: T) => unknown): Predicate<T> {
  return (change) => differs(change, select);
}

export function anyOf<T extends KubeObject>(...predicates: readonly Predicate<T>[]): Predicate<T> {
  return (change) => predicates.some((predicate) => predicate(change));
}

export function allOf<T extends KubeObject>(...predicates: readonly Predicate<T>[]): Predicate<T> {
  return (change) => predicates.every((predicate) => predicate(change));
}

export function not<T extends KubeObject>(predicate: Predicate<T>): Predicate<T> {
  return (change) => !predicate(change);
}

function differs<T extends KubeObject>(change: Change<T>, select: (object: T) => unknown): boolean {
  if (change.type !== 'updated') return true;
  return !isDeepStrictEqual(select(change.previous), select(change.object));
}
