import type { StartRequest } from './contract.ts';
import { Execution, type ExecutionContext } from './execution.ts';
import { ProblemError } from './problem.ts';

export interface RetentionLimits {
  readonly running: number;
  readonly finished: number;
  /** Of the texts that finished runs hold, in sum. */
  readonly finishedBytes: number;
  /** Ids that are remembered after their outcomes are gone, so that none is ever run twice. */
  readonly forgottenIds: number;
}

/** All runs of this sandbox that are running or lately were. */
export class Executions {
  readonly #context: ExecutionContext;
  readonly #limits: RetentionLimits;
  readonly #running = new Map<string, Execution>();
  readonly #finished = new Map<string, { readonly execution: Execution; readonly bytes: number }>();
  readonly #forgotten = new Set<string>();
  readonly #awaited = new Map<string, Set<(execution: Execution) => void>>();
  #finishedBytes = 0;

  constructor(context: ExecutionContext, limits: RetentionLimits) {
    this.#context = context;
    this.#limits = limits;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Whether there ever was one. */
  get isUsed(): boolean {
    return this.#running.size + this.#finished.size > 0;
  }

  /** Starts `id`, or finds it if it was started before. */
  start(id: string, request: StartRequest): Execution {
    const known = this.find(id);
    if (known !== undefined) return known;
    if (this.#forgotten.has(id))
      throw new ProblemError(
        'Conflict',
        `execution ${id} ran before; its outcome is no longer held`,
      );
    if (this.#running.size >= this.#limits.running) {
      throw new ProblemError(
        'Busy',
        `${String(this.#limits.running)} executions are running; wait for one to end`,
      );
    }
    const execution = new Execution(id, request, this.#context);
    this.#running.set(id, execution);
    for (const tell of this.#awaited.get(id) ?? []) tell(execution);
    void execution.over.then(() => {
      this.#keep(execution);
    });
    return execution;
  }

  find(id: string): Execution | undefined {
    return this.#running.get(id) ?? this.#finished.get(id)?.execution;
  }

  /** The run of that id once it is started; undefined if the signal aborts before, or if it ran and is no longer held. */
  async started(id: string, signal: AbortSignal): Promise<Execution | undefined> {
    const known = this.find(id);
    if (known !== undefined || this.#forgotten.has(id) || signal.aborted) return known;
    const { promise, resolve } = Promise.withResolvers<Execution | undefined>();
    const waiting = this.#awaited.get(id) ?? new Set();
    this.#awaited.set(id, waiting.add(resolve));
    const giveUp = (): void => {
      resolve(undefined);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
      waiting.delete(resolve);
      if (waiting.size === 0) this.#awaited.delete(id);
    }
  }

  #keep(execution: Execution): void {
    const { id, final, events } = execution;
    const bytes =
      events.heldBytes +
      (final === undefined ? 0 : final.stdout.text.length + final.stderr.text.length);
    this.#running.delete(id);
    this.#finished.set(id, { execution, bytes });
    this.#finishedBytes += bytes;
    while (
      this.#finished.size > this.#limits.finished ||
      (this.#finishedBytes > this.#limits.finishedBytes && this.#finished.size > 1)
    ) {
      this.#forgetOldest();
    }
  }

  #forgetOldest(): void {
    for (const [id, { bytes }] of this.#finished) {
      this.#finished.delete(id);
      this.#finishedBytes -= bytes;
      this.#forgotten.add(id);
      break;
    }
    for (const id of this.#forgotten) {
      if (this.#forgotten.size <= this.#limits.forgottenIds) break;
      this.#forgotten.delete(id);
    }
  }
}
