import { isFinished, type Execution } from '../crds/execution.ts';
import type { Sandbox } from '../crds/sandbox.ts';
import type { Clock } from '../kube/clock.ts';
import { ObjectDeletedError, waitFor } from '../kube/wait-for.ts';
import { withDeadline } from './deadline.ts';
import { ApiError } from './errors.ts';
import { restIdOf } from './names.ts';
import type { Repository } from './repository.ts';
import type { RequestContext } from './request-context.ts';
import { isRunning, notFound, ownerUidOf, type Run } from './run.ts';

export interface RunOutcomesOptions {
  readonly executions: Repository<Execution>;
  readonly sandboxes: Repository<Sandbox>;
  readonly clock: Clock;
}

/** Waits for what becomes of runs, as the caches show it. */
export class RunOutcomes {
  readonly #options: RunOutcomesOptions;

  constructor(options: RunOutcomesOptions) {
    this.#options = options;
  }

  /** Throws SyncTimeout after `timeoutSeconds`, ShuttingDown when the server stops, and what `whenFinished` throws. */
  async within(
    run: Run,
    timeoutSeconds: number,
    { signal, closing }: RequestContext,
  ): Promise<Run> {
    const { clock } = this.#options;
    const reason = tooLate(run, timeoutSeconds);
    const limit = { clock, ms: timeoutSeconds * 1000, reason, signals: [signal, closing] };
    try {
      return await withDeadline(limit, (bounded) => this.whenFinished(run, bounded));
    } catch (error) {
      throw error === closing.reason ? withoutOutcome(run, closing.reason) : error;
    }
  }

  /** The ended execution. Throws SessionDeleted or ExecutionNotFound if there will never be an outcome. */
  async whenFinished({ execution, sessionId }: Run, signal: AbortSignal): Promise<Run> {
    // One that only history knows is in no cache.
    if (isFinished(execution)) return { execution, sessionId };
    const { executions } = this.#options;
    const gone = this.#watchSandbox(
      execution,
      new ApiError('SessionDeleted', `Session was deleted: ${sessionId}`),
    );
    const bounded = AbortSignal.any([signal, gone.signal]);
    try {
      await gone.check(bounded);
      const ref = executions.refTo(execution.metadata.name);
      const finished = await waitFor(executions.cache, ref, { until: isFinished, signal: bounded });
      return { execution: finished, sessionId };
    } catch (error) {
      if (!(error instanceof ObjectDeletedError)) throw error;
      await gone.check(signal);
      throw notFound(restIdOf(execution), error);
    } finally {
      gone.stop();
    }
  }

  /** Resolves once the cache shows that it runs, or that it ended. */
  async whenStarted({ execution }: Run, signal: AbortSignal): Promise<Execution> {
    const { executions } = this.#options;
    const until = (seen: Execution): boolean => isRunning(seen) || isFinished(seen);
    const ref = executions.refTo(execution.metadata.name);
    return waitFor(executions.cache, ref, { until, signal });
  }

  /** A signal that aborts once the sandbox of `execution` is deleted or being deleted; `check` throws if it already is. */
  #watchSandbox(execution: Execution, reason: ApiError): SandboxWatch {
    const { sandboxes } = this.#options;
    const gone = new AbortController();
    const owner = ownerUidOf(execution);
    // One that kubectl made has no owner and does not go with its sandbox.
    if (owner === undefined)
      return { signal: gone.signal, check: () => Promise.resolve(), stop: NOTHING };
    const stop = sandboxes.cache.subscribe(({ type, object }) => {
      const ended = type === 'deleted' || object.metadata.deletionTimestamp !== undefined;
      if (ended && object.metadata.uid === owner) gone.abort(reason);
    });
    const check = async (signal: AbortSignal): Promise<void> => {
      const sandbox = await sandboxes.find(execution.spec.sandboxRef.name, signal);
      if (sandbox?.metadata.uid !== owner) throw reason;
    };
    return { signal: gone.signal, check, stop };
  }
}

const NOTHING = (): void => undefined;

interface SandboxWatch {
  readonly signal: AbortSignal;
  check(signal: AbortSignal): Promise<void>;
  stop(): void;
}

function tooLate({ execution }: Run, seconds: number): ApiError {
  const extra = { execution_id: restIdOf(execution) };
  return new ApiError('SyncTimeout', `Synchronous execution timeout after ${String(seconds)}s`, {
    extra,
  });
}

function withoutOutcome({ execution }: Run, cause: unknown): ApiError {
  const extra = { execution_id: restIdOf(execution) };
  const message = 'The server is stopping; the execution goes on';
  return new ApiError('ShuttingDown', message, { extra, cause, headers: { 'Retry-After': '1' } });
}
