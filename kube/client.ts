import type { Draft, KubeList, KubeObject, ObjectRef, ResourceType } from './objects.ts';

export interface ListOptions {
  /** Absent: every namespace. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly signal?: AbortSignal;
}

export interface WatchOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion: string;
  /** The server ends the watch after this long; asked for with bookmarks. */
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
}

export type WatchEvent<T extends KubeObject> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string };

/** A patch and its dialect. `apply` is server-side apply (KEP-555) and also creates. */
export type Patch =
  | { readonly kind: 'merge'; readonly body: object }
  | { readonly kind: 'json'; readonly body: readonly object[] }
  | {
      readonly kind: 'apply';
      readonly body: object;
      readonly fieldManager: string;
      readonly force?: boolean;
    };

export interface PatchOptions {
  readonly subresource?: 'status' | 'scale' | 'resize';
  readonly signal?: AbortSignal;
}

export interface DeleteOptions {
  /** Refuse with a ConflictError if the object of that name is another one by now. */
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
  readonly signal?: AbortSignal;
}

/**
 * The Kubernetes API as this project uses it: raw JSON in and out, and every failure a `KubeError` (errors.ts).
 * No method retries; whoever calls knows whether a retry is safe.
 */
export interface KubeClient {
  get<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    signal?: AbortSignal,
  ): Promise<T>;
  list<T extends KubeObject>(type: ResourceType<T>, options?: ListOptions): Promise<KubeList<T>>;
  /** Ends when the server closes the stream; throws a KubeError on anything else, also on an ERROR event (410: `GoneError`). */
  watch<T extends KubeObject>(
    type: ResourceType<T>,
    options: WatchOptions,
  ): AsyncIterable<WatchEvent<T>>;
  create<T extends KubeObject>(
    type: ResourceType<T>,
    draft: Draft<T>,
    signal?: AbortSignal,
  ): Promise<T>;
  /** Fails with a ConflictError unless `object.metadata.resourceVersion` is the newest. */
  replace<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options?: PatchOptions,
  ): Promise<T>;
  patch<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    patch: Patch,
    options?: PatchOptions,
  ): Promise<T>;
  delete<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    options?: DeleteOptions,
  ): Promise<void>;
}
