import type { Readable } from 'node:stream';
import type {
  Activity,
  DependenciesState,
  ExecutionState,
  Health,
  InstallRequest,
  OutputEvent,
  StartRequest,
  Usage,
  WorkspaceListing,
} from './contract.ts';

/** Where an executor listens: a pod's address, or a socket file in local runs. */
export type ExecutorAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** One executor: its address, and the audience (pod UID) that tokens for it carry. */
export interface ExecutorTarget {
  readonly podUID: string;
  readonly address: ExecutorAddress;
  /** The request of a client that calls are made for: it goes along, into the executor's log. */
  readonly requestId?: string;
}

export interface WaitOptions {
  /** How long the executor may hold the answer back until the outcome is final; 0 answers at once. */
  readonly waitMs: number;
  readonly signal?: AbortSignal;
}

export interface EventsOptions {
  /** The number to begin with. */
  readonly from: number;
  /** How long the executor may wait for an execution that it has not heard of yet. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/** What an index answers; no body where there is none to have. */
export interface IndexAnswer {
  readonly status: number;
  readonly contentType?: string;
  readonly contentLength?: number;
  readonly body?: Readable | Buffer;
}

/** A package index as a sandbox may use it: it is asked for a path, and whatever it is asked comes from a hostile place. */
export type IndexHandler = (
  request: { readonly method: 'GET' | 'HEAD'; readonly path: string },
  signal: AbortSignal,
) => Promise<IndexAnswer>;

export interface FileCallOptions {
  readonly signal?: AbortSignal;
  /** It is no use of the sandbox: an idle one stays idle. */
  readonly quiet?: boolean;
}

export interface ReadFileOptions extends FileCallOptions {
  /** Both ends included, within the file. */
  readonly range?: { readonly start: number; readonly end: number } | undefined;
}

export interface WriteFileOptions extends FileCallOptions {
  /** Exactly so many bytes will come; absent: nobody knows. */
  readonly size?: number | undefined;
  readonly executable?: boolean;
}

export interface FileHead {
  readonly size: number;
  /** As in `WorkspaceFile`. */
  readonly version: string;
  readonly modifiedAt: Date;
}

export interface OpenFile {
  readonly head: FileHead;
  /** Exactly the bytes of the file or of the range; to be read to its end or destroyed. */
  readonly content: Readable;
}

/** The files of one sandbox. A path that leads out of the workspace is refused before anything is sent. */
export interface ExecutorFiles {
  /** Every regular file, as far as one answer holds them. */
  listing(options?: FileCallOptions): Promise<WorkspaceListing>;
  /** Undefined: there is no such file. */
  head(path: string, options?: FileCallOptions): Promise<FileHead | undefined>;
  /** Throws NotFound. */
  read(path: string, options?: ReadFileOptions): Promise<OpenFile>;
  /** Whole, or not at all. What `content` fails of is thrown as it is. */
  write(path: string, content: Readable, options?: WriteFileOptions): Promise<void>;
  /** Throws NotFound. */
  remove(path: string, options?: FileCallOptions): Promise<void>;
}

/**
 * Speaks contract.ts to the executors of all sandboxes; keeps connections open per target and signs a short-lived token for each.
 * Every failure is an `ExecutorError`; every answer is size-limited and schema-checked, for the other side is hostile.
 */
export interface ExecutorClient {
  /** Starts `id` if the executor has not seen it yet. Safe to repeat. */
  run(
    target: ExecutorTarget,
    id: string,
    request: StartRequest,
    options: WaitOptions,
  ): Promise<ExecutionState>;
  state(target: ExecutorTarget, id: string, options: WaitOptions): Promise<ExecutionState>;
  cancel(target: ExecutorTarget, id: string, signal?: AbortSignal): Promise<ExecutionState>;
  /**
   * The run's output as it comes, the last event being its `end`; read at the reader's pace, and ended by leaving the loop.
   * NotFound: the executor does not know the execution (any more).
   */
  events(target: ExecutorTarget, id: string, options: EventsOptions): AsyncIterable<OutputEvent>;
  health(target: ExecutorTarget, signal?: AbortSignal): Promise<Health>;
  activity(target: ExecutorTarget, signal?: AbortSignal): Promise<Activity>;
  usage(target: ExecutorTarget, signal?: AbortSignal): Promise<Usage>;
  /** Has the set of packages `id` installed if the executor has not seen it yet; another set makes way. Safe to repeat. */
  install(
    target: ExecutorTarget,
    id: string,
    request: InstallRequest,
    options: WaitOptions,
  ): Promise<DependenciesState>;
  /** Lends a sandbox a package index until `signal` aborts, which resolves it; rejects when the connection breaks before. */
  lendIndex(target: ExecutorTarget, index: IndexHandler, signal: AbortSignal): Promise<void>;
  files(target: ExecutorTarget): ExecutorFiles;
  /** Closes the connections to a pod that is gone. */
  forget(podUID: string): void;
  close(): Promise<void>;
}

export type ExecutorErrorCode =
  | 'Unreachable'
  | 'TimedOut'
  | 'Unauthorized'
  | 'NotFound'
  /** A file cannot be written there: a folder or a permission is in the way. */
  | 'Conflict'
  /** The disk is full. */
  | 'TooLarge'
  | 'Refused'
  | 'BadAnswer'
  | 'Aborted';

export interface ExecutorErrorOptions {
  readonly cause?: unknown;
  readonly retryable: boolean;
  readonly nothingSent?: boolean;
}

/** A call to an executor that failed. `retryable`: nothing is known to be wrong for good; the same call may be sent again. */
export class ExecutorError extends Error {
  override readonly name = 'ExecutorError';
  readonly code: ExecutorErrorCode;
  readonly retryable: boolean;
  /** There was not even a connection: the executor cannot have heard of the call. */
  readonly nothingSent: boolean;

  constructor(code: ExecutorErrorCode, message: string, options: ExecutorErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable;
    this.nothingSent = options.nothingSent ?? false;
  }
}
