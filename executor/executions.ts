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
  #finishedBytes = 0;

  constructor(context: ExecutionContext, limits: RetentionLimits) {
    this.#context = context;
    this.#limits = limits;
  }

  get running(): number {
    return this.#running.size;
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
    void execution.over.then(() => {
      this.#keep(execution);
    });
    return execution;
  }

  find(id: string): Execution | undefined {
    return this.#running.get(id) ?? this.#finished.get(id)?.execution;
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
