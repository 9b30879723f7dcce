import type { ExecutorClient, ExecutorTarget } from '../../executor/client.ts';
import { ExecutorError } from '../../executor/client.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import { backoffDelay } from '../../kube/backoff.ts';
import type { Clock } from '../../kube/clock.ts';
import { ApiError } from '../errors.ts';
import type { Executions } from '../executions.ts';
import type { Run } from '../run.ts';
import type { Executors } from '../executor-of.ts';
import { executionStatusOf } from '../../crds/rest-status.ts';
import type { Repository } from '../repository.ts';
import { keptOutput, type StreamedOutput } from './kept-output.ts';
import { RunEnd, type Ending } from './run-end.ts';
import { readUpstream } from './upstream.ts';

/** What a stream says, in order: states, output as it comes, and how it ended. */
export type StreamEvent = { readonly type: 'status'; readonly run: Run } | StreamedOutput | Ending;

export interface RunStreamsOptions {
  readonly executions: Executions;
  readonly sandboxes: Repository<Sandbox>;
  readonly executors: Executors;
  readonly executor: ExecutorClient;
  readonly clock: Clock;
  /** Below 1; many streams lose their executor at once. */
  readonly random: () => number;
}

/** Each holds a connection of the sandbox's executor, which has 512 for all who speak to it. */
const MAX_STREAMS_PER_SESSION = 64;
/** How long an executor may hold the question after a run that it has not been given yet. */
const WAIT_FOR_START_MS = 30_000;
const RETRY = { baseMs: 50, maxMs: 1_000 };

/** The output of runs as it comes, from the executors themselves; no step of it keeps what nobody reads. */
export class RunStreams {
  readonly #options: RunStreamsOptions;
  readonly #open = new Map<string, number>();

  constructor(options: RunStreamsOptions) {
    this.#options = options;
  }

  /** Throws TooManyStreams. */
  admit(sessionId: string): void {
    if ((this.#open.get(sessionId) ?? 0) < MAX_STREAMS_PER_SESSION) return;
    const message = `${String(MAX_STREAMS_PER_SESSION)} streams of the session are open: ${sessionId}`;
    throw new ApiError('TooManyStreams', message, { headers: { 'Retry-After': '5' } });
  }

  /** Output from event number `from` on. Leaving the loop ends the conversation with the executor. */
  async *of(run: Run, from: number, signal: AbortSignal): AsyncGenerator<StreamEvent> {
    const left = new AbortController();
    const bounded = AbortSignal.any([signal, left.signal]);
    this.#count(run.sessionId, 1);
    const end = new RunEnd(this.#options.executions.outcomes.whenFinished(run, bounded));
    const output = this.#output(run, { from, end, signal: bounded });
    try {
      yield { type: 'status', run };
      yield* this.#startAndOutput(run, output, bounded);
      const ending = await end.known;
      signal.throwIfAborted();
      yield ending;
    } finally {
      left.abort();
      this.#count(run.sessionId, -1);
      await output.return(undefined).catch(() => undefined);
    }
  }

  /** Tells that a pending run has started as soon as that is known, be it by its first output. */
  async *#startAndOutput(
    run: Run,
    output: AsyncGenerator<StreamedOutput>,
    signal: AbortSignal,
  ): AsyncGenerator<StreamEvent> {
    const first = output.next();
    if (executionStatusOf(run.execution) === 'pending') {
      const seen = this.#options.executions.outcomes.whenStarted(run, signal);
      const runs = seen.then((execution) => executionStatusOf(execution) === 'running');
      const hasOutput = first.then(({ done }) => done !== true);
      const started = await Promise.race([hasOutput, runs]).catch(() => false);
      signal.throwIfAborted();
      if (started) yield { type: 'status', run: this.#running(run) };
    }
    for (let step = await first; step.done !== true; step = await output.next()) yield step.value;
  }

  #running(run: Run): Run {
    const execution = this.#options.executions.newest(run);
    const status = { ...execution.status, phase: 'Running' } as const;
    return { ...run, execution: { ...execution, status } };
  }

  /** Until the executor says that the run is over; what it no longer has comes from the recorded outcome. */
  async *#output(
    run: Run,
    { from, end, signal }: { from: number; end: RunEnd; signal: AbortSignal },
  ): AsyncGenerator<StreamedOutput> {
    const { executor, clock } = this.#options;
    const { uid: id } = run.execution.metadata;
    let next = from;
    for (let failures = 0; ; failures += 1) {
      const { ending } = end;
      const target = await this.#targetOf(run, signal);
      try {
        const waitMs = ending === undefined ? WAIT_FOR_START_MS : 0;
        const ask = { executor, clock, id, from: next, waitMs, end, signal };
        for await (const event of target ? readUpstream({ ...ask, target }) : []) {
          if (event.type === 'end') return;
          next = event.n + 1;
          failures = 0;
          yield event;
        }
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof ExecutorError)) throw error;
      }
      if (ending !== undefined) {
        yield* keptOutput(ending, next);
        return;
      }
      await this.#pause(run, { end, failures, signal });
    }
  }

  /** Undefined while there is no executor that has the run or may still be given it. */
  async #targetOf(run: Run, signal: AbortSignal): Promise<ExecutorTarget | undefined> {
    const { executions, executors, sandboxes } = this.#options;
    const { spec, status } = executions.newest(run);
    const sandbox = sandboxes.known(spec.sandboxRef.name);
    if (sandbox === undefined) return undefined;
    const reach = await executors.of(sandbox, signal).catch(() => undefined);
    signal.throwIfAborted();
    if (reach?.state !== 'live') return undefined;
    const isThere = status?.podUID === undefined || status.podUID === reach.target.podUID;
    return isThere ? reach.target : undefined;
  }

  /** Until something may have changed: the session, the run, or just time. */
  async #pause(
    run: Run,
    { end, failures, signal }: { end: RunEnd; failures: number; signal: AbortSignal },
  ): Promise<void> {
    if (end.ending !== undefined) return;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const { clock, random, sandboxes } = this.#options;
    const name = run.execution.spec.sandboxRef.name;
    const cancel = clock.schedule(
      () => {
        resolve(undefined);
      },
      backoffDelay(failures, RETRY, random),
    );
    const stop = sandboxes.cache.subscribe(({ object }) => {
      if (object.metadata.name === name) resolve(undefined);
    });
    signal.addEventListener('abort', resolve, { once: true });
    void end.known.then(resolve);
    await promise;
    signal.removeEventListener('abort', resolve);
    stop();
    cancel();
    signal.throwIfAborted();
  }

  #count(sessionId: string, by: number): void {
    const count = (this.#open.get(sessionId) ?? 0) + by;
    if (count === 0) this.#open.delete(sessionId);
    else this.#open.set(sessionId, count);
  }
}
