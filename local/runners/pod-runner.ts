import type { ExecutorAddress } from '../../executor/client.ts';
import type { Pod } from '../../kube/pod.ts';

/** A pod as the runner sees it now, whoever started it: also one that an earlier process of ours left running. */
export interface RunningPod {
  readonly podUID: string;
  /** Names the container or process in messages and in `status.containerStatuses[].containerID`. */
  readonly containerID: string;
  readonly startedAt: string;
}

/** How a pod's container ended. */
export interface PodExit {
  readonly podUID: string;
  readonly exitCode: number;
  /** Kubernetes' words: `OOMKilled`, `Error`, `Completed`. */
  readonly reason: string;
  readonly message?: string;
}

/** Everything that a container of a pod is started from: references in its environment are resolved already. */
export interface StartPod {
  readonly pod: Pod;
  /** Names a workspace that outlives the pod; the next pod with the same id finds the same files. */
  readonly workspaceId: string;
  /** The container's environment in full. */
  readonly env: Readonly<Record<string, string>>;
}

/** Which part of a container's log. */
export interface LogOptions {
  /** Absent: all that is kept. */
  readonly tailLines: number | undefined;
  readonly sinceMs: number | undefined;
  readonly timestamps: boolean;
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/**
 * Runs the single container of a sandbox pod on this machine: in Docker, or as a process in namespaces of its own.
 * The hardening (design section 5) is the runner's: it reads limits from the pod, never privileges.
 */
export interface PodRunner {
  readonly name: 'docker' | 'process';
  /** What this runner isolates and what not, in one line for a person. */
  readonly isolation: string;
  /** Starts the pod and resolves when its container runs; a `PodStartError` carries a reason that kubelet would give. Repeating it for the same pod is harmless. */
  start(request: StartPod): Promise<RunningPod>;
  /** Ends the pod and everything it started; resolves when nothing of it runs any more. Harmless for an unknown one. */
  stop(podUID: string): Promise<void>;
  list(): Promise<readonly RunningPod[]>;
  /** Calls back once for each pod that ends by itself, also for pods that `list` found. */
  onExit(listener: (exit: PodExit) => void): void;
  /** What the pod's container has written; undefined where it does not run. */
  logs(podUID: string, options: LogOptions): Promise<AsyncIterable<Buffer> | undefined>;
  /** Where the executor of a pod listens, whether it runs yet or not. */
  address(podUID: string): ExecutorAddress;
  /** Removes workspaces other than these. */
  keepWorkspaces(workspaceIds: ReadonlySet<string>): Promise<void>;
  close(): Promise<void>;
}

export type PodStartReason =
  'ErrImagePull' | 'CreateContainerConfigError' | 'CreateContainerError' | 'RunContainerError';

export class PodStartError extends Error {
  override readonly name = 'PodStartError';
  readonly code: PodStartReason;
  readonly retryable: boolean;

  constructor(
    code: PodStartReason,
    message: string,
    options: { cause?: unknown; retryable: boolean },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable;
  }
}
