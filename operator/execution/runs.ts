import { ExecutorError } from '../../executor/client.ts';
import type { ExecutorClient, ExecutorTarget } from '../../executor/client.ts';
import type { ExecutionState, FinalState, StartRequest } from '../../executor/contract.ts';
import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import { retry } from '../../kube/retry.ts';
import { unhurried } from '../../kube/unhurried.ts';

/** A run as this process follows it. Lost with the process: the executor's memory and the status bring it back. */
export interface RunView {
  readonly podUID: string;
  readonly podName: string;
  /** When this process began to follow it. */
  readonly since: number;
  readonly progress: RunProgress;
  readonly cancelledAt?: number;
}

export type RunProgress =
  /** The executor has not acknowledged it. */
  | { readonly phase: 'starting'; readonly heard: Heard }
  | { readonly phase: 'running'; readonly startedAt: string }
  | { readonly phase: 'finished'; readonly outcome: FinalState }
  /** Its outcome can't be had any more. */
  | { readonly phase: 'lost'; readonly message: string };

/** Whether the executor can have heard of a run: `pending` while a call is on its way. */
export type Heard = 'no' | 'pending' | 'maybe';

export interface RunOrder {
  /** The execution's UID: the key under which the executor starts it once. */
  readonly uid: string;
  /** The execution's key: what to have reconciled. */
  readonly key: string;
  /** The sandbox's key. */
  readonly sandboxKey: string;
  readonly podName: string;
  readonly target: ExecutorTarget;
  /** Absent: the executor has it already, and must not start it again should it have forgotten. */
  readonly request?: StartRequest;
}

export interface InFlightRunsOptions {
  readonly executor: Pick<ExecutorClient, 'run' | 'state' | 'cancel'>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** Says "look at this execution again". */
  readonly enqueue: (key: string) => void;
  /** Told when the executor does not answer a run. */
  readonly onSilence: (order: RunOrder) => void;
}

/** The first answer comes soon, so that a run that goes on can be told from one that was never begun. */
const FIRST_WAIT_MS = 1_000;
const LONG_POLL_MS = 30_000;
const LEAST_POLL_MS = 1_000;
const BACKOFF = { baseMs: 50, maxMs: 2_000 };

class Run {
  progress: RunProgress;
  cancelledAt: number | undefined;
  readonly since: number;
  readonly order: RunOrder;
  readonly controller = new AbortController();

  constructor(order: RunOrder, since: number) {
    this.order = order;
    this.since = since;
    this.progress = { phase: 'starting', heard: order.request === undefined ? 'maybe' : 'no' };
  }
}

/**
 * Follows runs outside the reconcile workers: hands each to its executor once (idempotently), waits for the outcome by long poll,
 * and has the execution reconciled when something became known. It decides nothing.
 */
export class InFlightRuns {
  readonly #options: InFlightRunsOptions;
  readonly #runs = new Map<string, Run>();

  constructor(options: InFlightRunsOptions) {
    this.#options = options;
  }

  view(uid: string): RunView | undefined {
    const run = this.#runs.get(uid);
    if (run === undefined) return undefined;
    const { order, since, progress, cancelledAt } = run;
    const view = { podUID: order.target.podUID, podName: order.podName, since, progress };
    return cancelledAt === undefined ? view : { ...view, cancelledAt };
  }

  /** Follows a run from now on; does nothing if that goes on already. */
  ensure(order: RunOrder): void {
    if (this.#runs.has(order.uid)) return;
    const run = new Run(order, this.#options.clock.now());
    this.#runs.set(order.uid, run);
    void this.#follow(run);
  }

  /** Has the executor cancel a run that is followed; its outcome comes as that of any other. */
  cancel(uid: string): void {
    const run = this.#runs.get(uid);
    if (run === undefined || run.cancelledAt !== undefined) return;
    run.cancelledAt = this.#options.clock.now();
    void this.#cancel(run);
  }

  /** Stops following. */
  forget(uid: string): void {
    this.#runs.get(uid)?.controller.abort();
    this.#runs.delete(uid);
  }

  /** For an execution that was deleted: nobody will learn the outcome, so it need not go on. */
  abandon(uid: string): void {
    const run = this.#runs.get(uid);
    this.forget(uid);
    if (run === undefined || isSettled(run)) return;
    void this.#options.executor.cancel(run.order.target, uid).catch((error: unknown) => {
      this.#options.logger.debug('could not cancel a deleted execution', { uid, error });
    });
  }

  stop(): void {
    for (const uid of [...this.#runs.keys()]) this.forget(uid);
  }

  async #follow(run: Run): Promise<void> {
    const { signal } = run.controller;
    const step = (): Promise<void> => this.#retry(run, () => this.#followOnce(run));
    while (!signal.aborted && !isSettled(run)) {
      // An executor that says at once that the run goes on is not asked again at once.
      const leastMs = run.progress.phase === 'running' ? LEAST_POLL_MS : 0;
      await unhurried(step, { clock: this.#options.clock, leastMs, signal });
    }
  }

  async #followOnce(run: Run): Promise<void> {
    if (isSettled(run)) return;
    noteCall(run);
    try {
      this.#note(run, await this.#ask(run));
    } catch (error) {
      this.#noteFailure(run, error);
    }
  }

  #ask({ order, progress, controller }: Run): Promise<ExecutionState> {
    const { executor } = this.#options;
    const { target, uid, request } = order;
    const { signal } = controller;
    if (progress.phase === 'running') {
      return executor.state(target, uid, { waitMs: LONG_POLL_MS, signal });
    }
    const first = { waitMs: FIRST_WAIT_MS, signal };
    return request === undefined
      ? executor.state(target, uid, first)
      : executor.run(target, uid, request, first);
  }

  #note(run: Run, state: ExecutionState): void {
    if (isSettled(run)) return;
    const before = run.progress.phase;
    run.progress =
      state.phase === 'Running'
        ? { phase: 'running', startedAt: state.startedAt }
        : { phase: 'finished', outcome: state };
    if (run.progress.phase !== before) this.#options.enqueue(run.order.key);
  }

  /** A retryable failure may be the executor's or the network's; whether the pod lives is for the sandbox to find out. */
  #noteFailure(run: Run, error: unknown): void {
    noteBrokenCall(run, error);
    if (run.controller.signal.aborted || isSettled(run)) return;
    if (error instanceof ExecutorError && error.retryable) {
      this.#options.onSilence(run.order);
      throw error;
    }
    run.progress = { phase: 'lost', message: messageOf(error) };
    this.#options.enqueue(run.order.key);
  }

  /** Also tried again while the executor does not know the run yet: the start may still be on its way. */
  #cancel(run: Run): Promise<void> {
    const { target, uid } = run.order;
    return this.#retry(run, async () => {
      if (isSettled(run)) return;
      this.#note(run, await this.#options.executor.cancel(target, uid, run.controller.signal));
    });
  }

  #retry({ controller: { signal } }: Run, step: () => Promise<void>): Promise<void> {
    return retry(step, { ...this.#options, backoff: BACKOFF, signal });
  }
}

function noteCall(run: Run): void {
  const { progress } = run;
  if (progress.phase !== 'starting' || progress.heard !== 'no') return;
  run.progress = { phase: 'starting', heard: 'pending' };
}

function noteBrokenCall(run: Run, error: unknown): void {
  const { progress } = run;
  if (progress.phase !== 'starting' || progress.heard !== 'pending') return;
  const nothingSent = error instanceof ExecutorError && error.nothingSent;
  run.progress = { phase: 'starting', heard: nothingSent ? 'no' : 'maybe' };
}

function isSettled({ progress }: Run): boolean {
  return progress.phase === 'finished' || progress.phase === 'lost';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
