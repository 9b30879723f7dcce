/** The times and bounds that decisions use. All can be changed through the environment (config.ts). */
export interface Settings {
  /** A sandbox that is not Ready by then has failed. */
  readonly startTimeoutMs: number;
  /** No Pending status is written for so long after creation: most starts are over by then, and a write is saved. */
  readonly pendingQuietMs: number;
  /** A start that takes longer reports each thing that it waits for; one that does not only that it is pending. */
  readonly slowStartMs: number;
  /** A pod of a warm pool that was not given the resources of its sandbox so long after the sandbox's creation is replaced by one of its own. */
  readonly resizeTimeoutMs: number;
  /** How often a Ready sandbox's executor is asked for its health. */
  readonly livenessIntervalMs: number;
  /** A pod whose executor has been silent for so long is replaced. */
  readonly silenceMs: number;
  /** A sandbox that was Ready for so long starts counting its losses anew. */
  readonly stableMs: number;
  /** More losses in a row than this, and the sandbox has failed. */
  readonly maxLossesInARow: number;
  /** The pause before the second replacement in a row; it doubles with each further one. */
  readonly recoveryBackoffMs: number;
  /** A run that lasts longer gets a Running status. */
  readonly runningAfterMs: number;
  /** How long after its timeout the outcome of a run may stay away before the run counts as lost. */
  readonly outcomeGraceMs: number;
  /** How long a cancelled run may take to end before it is reported without its output. */
  readonly cancelGraceMs: number;
  /** How long an execution waits for its sandbox to appear. */
  readonly sandboxGraceMs: number;
  /** How long a sandbox that has ended stays in the API server, where there is a history to go to. */
  readonly endedTtlMs: number;
  /** How long the stored files of a sandbox stay after its end. */
  readonly filesTtlMs: number;
  /** How long stored files that nobody has stay, in case somebody has them after all. */
  readonly orphanGraceMs: number;
  /** How long the end of a sandbox waits for its files to be stored before its pod goes all the same. */
  readonly storeTimeoutMs: number;
  /** Files that could not be stored for so long are told in a condition. */
  readonly storeQuietMs: number;
  /** How long changes of a template's sandbox count are gathered before they are written. */
  readonly countDelayMs: number;
}

export const DEFAULT_SETTINGS: Settings = {
  startTimeoutMs: 120_000,
  // creationTimestamp has whole seconds, so the quiet time lasts between 0.3 and 1.3 s.
  pendingQuietMs: 1_300,
  slowStartMs: 10_000,
  // A kubelet looks once a second whether it is done, and creationTimestamp has whole seconds.
  resizeTimeoutMs: 4_000,
  livenessIntervalMs: 30_000,
  silenceMs: 15_000,
  stableMs: 60_000,
  maxLossesInARow: 5,
  recoveryBackoffMs: 1_000,
  runningAfterMs: 1_000,
  outcomeGraceMs: 30_000,
  cancelGraceMs: 10_000,
  sandboxGraceMs: 5_000,
  endedTtlMs: 86_400_000,
  // As long as history tells of the executions whose artifacts they are.
  filesTtlMs: 30 * 86_400_000,
  orphanGraceMs: 86_400_000,
  storeTimeoutMs: 60_000,
  storeQuietMs: 10_000,
  countDelayMs: 2_000,
};
