/** The closed vocabulary of reasons. One word, one meaning, in every condition, status, event and REST answer. */

/** Why an execution ended as it did; `Queued` is why it has not begun. */
export const EXECUTION_REASONS = [
  /** As many executions of its sandbox run as may at once. */
  'Queued',
  /** Ended by itself with exit code 0. */
  'Completed',
  /** Ended by itself with another exit code; an uncaught exception is one. */
  'NonZeroExit',
  /** Killed by a signal that neither the user nor a limit of ours asked for. */
  'Signal',
  /** Did not end within `timeoutSeconds`. */
  'Timeout',
  /** The kernel killed it because the sandbox's memory was used up. */
  'OOMKilled',
  /** Its return value is larger than the limit. */
  'ReturnValueTooLarge',
  /** Its return value cannot be written as JSON. */
  'ReturnValueNotSerializable',
  /** `spec.cancel` was set, or its sandbox was terminated or deleted. */
  'Cancelled',
  /** The executor or its pod went away before the outcome was known. It may have run in part; it is not run again. */
  'ExecutorLost',
  /** No interpreter for `spec.language` in the sandbox's image. */
  'LanguageNotAvailable',
  /** Its sandbox does not exist. */
  'SandboxNotFound',
  /** Its sandbox ended before the execution could start. */
  'SandboxNotActive',
] as const;
export type ExecutionReason = (typeof EXECUTION_REASONS)[number];

/** Why a sandbox is in its phase. */
export const SANDBOX_REASONS = [
  /** Waits for its pod to be scheduled and started. */
  'PodPending',
  /** Its pod comes from a warm pool and is being given other resources than its template's. */
  'PodResizing',
  /** The pod runs, its executor does not answer yet. */
  'ExecutorStarting',
  /** Its pod still reaches what its NetworkPolicy forbids: no code runs before that is over. */
  'NetworkOpen',
  /** Ready. */
  'ExecutorAnswering',
  /** The files that were stored come into the new pod. */
  'WorkspaceRestoring',
  /** The pod was lost and is being replaced. */
  'Recovering',
  'TemplateNotFound',
  /** The template exists but cannot be used; its own condition tells why. */
  'TemplateInvalid',
  'ImagePullFailed',
  'Unschedulable',
  /** A ResourceQuota of the namespace has no room for the pod; it is tried again. */
  'QuotaExceeded',
  /** The API server or an admission policy refused the pod. */
  'PodRejected',
  /** The pod's container could not be created or keeps ending. */
  'PodFailed',
  'OOMKilled',
  'Evicted',
  'NodeLost',
  /** Not Ready within the time that a start may take. */
  'StartTimeout',
  /** `spec.desiredState: Suspended`. */
  'SuspendedByUser',
  /** Not used for as long as its idle timeout says, which suspends it. */
  'IdleSuspended',
  'IdleTimeout',
  'LifetimeExceeded',
  /** `spec.desiredState: Terminated`, or deleted. */
  'TerminatedByUser',
] as const;
export type SandboxReason = (typeof SANDBOX_REASONS)[number];

/** Why the packages of a sandbox are or are not installed. */
export const DEPENDENCY_REASONS = [
  /** The sandbox is not ready yet. */
  'AwaitsPod',
  /** The installer is at work. */
  'Installing',
  'Installed',
  /** The installer said no: no such version, a conflict, a build that failed, no room left. */
  'DependencyInstallFailed',
  /** Not done within `installTimeoutSeconds`. */
  'DependencyInstallTimeout',
  /** The operator's settings do not allow this index. */
  'IndexNotAllowed',
  /** The sandbox's image has no installer, or none for its runtime. */
  'InstallerNotAvailable',
] as const;
export type DependencyReason = (typeof DEPENDENCY_REASONS)[number];

/** Why the files of a sandbox are or are not where they should be. */
export const WORKSPACE_REASONS = [
  'Restored',
  'Stored',
  /** The object store cannot be used; it is tried again. */
  'StorageUnavailable',
  /** The sandbox ended, and its last changes could not be stored in time. */
  'StoreTimeout',
] as const;
export type WorkspaceReason = (typeof WORKSPACE_REASONS)[number];

/** Why a sandbox is not suspended; where it is, the reason is that of its phase. */
export const SUSPENSION_REASONS = [
  /** Its last changes are being stored. */
  'Suspending',
  /** They cannot be stored, so its pod stays. */
  'StorageUnavailable',
  /** What was asked to run has not finished. */
  'ExecutionsUnfinished',
  /** This installation has no object store that could keep its files. */
  'NoObjectStore',
  /** It was suspended before, and serves again or is about to. */
  'Resumed',
] as const;
export type SuspensionReason = (typeof SUSPENSION_REASONS)[number];

/** Why a template can or cannot be used. */
export const TEMPLATE_REASONS = ['Valid', 'Invalid'] as const;
export type TemplateReason = (typeof TEMPLATE_REASONS)[number];

export const SANDBOX_CONDITIONS = {
  podScheduled: 'PodScheduled',
  /** Stated only of a sandbox that has dependencies. */
  dependenciesInstalled: 'DependenciesInstalled',
  /** Stated once a pod was replaced: its files are back. */
  workspaceRestored: 'WorkspaceRestored',
  /** Stated from the moment that files cannot be stored: whether they are. */
  workspaceStored: 'WorkspaceStored',
  ready: 'Ready',
  /** Stated of a sandbox that was ever to be suspended: whether it is. */
  suspended: 'Suspended',
  /** True once it will never run again. */
  terminated: 'Terminated',
} as const;

export const EXECUTION_CONDITIONS = {
  /** True once the outcome is final. */
  finished: 'Finished',
} as const;

export const TEMPLATE_CONDITIONS = { ready: 'Ready' } as const;
