import type { ObjectRef } from './objects.ts';

/** Which part of a container's log; the fields are those of the API (core/v1 PodLogOptions). */
export interface PodLogOptions {
  readonly tailLines?: number;
  readonly sinceTime?: string;
  readonly timestamps?: boolean;
  /** Goes on with what is written later, until the container ends. */
  readonly follow?: boolean;
  /** No more than so many bytes. */
  readonly limitBytes?: number;
  readonly signal: AbortSignal;
}

/** Reads the logs of pods with one container. */
export interface PodLogs {
  /** Resolves once the API server gives the log, which then comes as it is read; rejects with a KubeError. */
  podLog(ref: ObjectRef, options: PodLogOptions): Promise<AsyncIterable<Buffer>>;
}
