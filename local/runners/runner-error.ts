/** No runner, or not the one asked for, can work on this machine; the message is one line for a person and says how to mend it. */
export class RunnerUnavailableError extends Error {
  override readonly name = 'RunnerUnavailableError';
  readonly code = 'RunnerUnavailable';
  readonly retryable = false;
}
