import type { Change, ReadCache } from './cache.ts';
import { apiVersionOf, controllerOf, keyOf, refOf } from './objects.ts';
import type { KubeObject, ResourceType } from './objects.ts';
import type { Predicate } from './predicates.ts';
import type { AddOptions } from './work-queue.ts';

/** Puts a key in a controller's queue. */
export type Enqueue = (key: string, options?: AddOptions) => void;

/** Maps an object to the keys of those that must be looked at when it changes. */
export type KeyFunction<T extends KubeObject> = (object: T) => readonly string[];

/** What tells a controller which keys to look at. */
export interface Source {
  /** Enqueues keys as things change, until the returned function is called. */
  subscribe(enqueue: Enqueue): () => void;
  /** The keys of all that exists now: for a controller's start and its resync. */
  keys(): Iterable<string>;
}

/** The object's own key. */
export function self(object: KubeObject): readonly string[] {
  return [keyOf(refOf(object))];
}

/** The key of the object's controlling owner, if that is of this kind. The owner must be namespaced as the object is: an object does not tell otherwise. */
export function byController(owner: ResourceType<KubeObject>): KeyFunction<KubeObject> {
  const apiVersion = apiVersionOf(owner);
  return (object) => {
    const reference = controllerOf(object);
    // Only the group must match: after a version upgrade old references still name the old version.
    if (reference?.kind !== owner.kind || groupOf(reference.apiVersion) !== groupOf(apiVersion)) {
      return [];
    }
    return [keyOf({ namespace: refOf(object).namespace, name: reference.name })];
  };
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash < 0 ? '' : apiVersion.slice(0, slash);
}

/** A source that follows a cache. An update enqueues the keys of both its old and its new state. */
export function watches<T extends KubeObject>(
  cache: ReadCache<T>,
  toKeys: KeyFunction<T>,
  predicate: Predicate<T> = () => true,
): Source {
  return {
    subscribe: (enqueue) =>
      cache.subscribe((change) => {
        if (!predicate(change)) return;
        const options = priorityOf(change);
        for (const key of toKeys(change.object)) enqueue(key, options);
        if (change.type === 'updated') for (const key of toKeys(change.previous)) enqueue(key);
      }),
    keys: function* () {
      for (const object of cache.list()) yield* toKeys(object);
    },
  };
}

/** A restart must not make fresh work wait behind everything that exists. */
function priorityOf(change: Change<KubeObject>): AddOptions {
  return { priority: change.type === 'added' && change.initial ? 'low' : 'normal' };
}
