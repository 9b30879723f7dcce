import type { KubeObject, ObjectRef } from './objects.ts';

/** What happened to one object between two looks. A replaced object (same name, new UID) is a delete followed by an add. */
export type Change<T extends KubeObject> =
  | { readonly type: 'added'; readonly object: T; readonly initial: boolean }
  | { readonly type: 'updated'; readonly object: T; readonly previous: T }
  | { readonly type: 'deleted'; readonly object: T };

/** Maps an object to the values under which `byIndex` finds it. */
export type IndexFunction<T extends KubeObject> = (object: T) => readonly string[];

/** A read-only, eventually consistent view of all objects of one kind, fed by a list-watch. */
export interface ReadCache<T extends KubeObject> {
  get(ref: ObjectRef): T | undefined;
  /** All objects, or those of one namespace. No order is promised. */
  list(namespace?: string): readonly T[];
  /** Throws on an index that was not declared when the cache was made. */
  byIndex(index: string, value: string): readonly T[];
  /** `listener` sees every later change in order; it must not throw or await. Returns the unsubscriber. */
  subscribe(listener: (change: Change<T>) => void): () => void;
  readonly synced: boolean;
  /** Resolves once the first list is in; rejects when `signal` aborts. */
  whenSynced(signal?: AbortSignal): Promise<void>;
}
