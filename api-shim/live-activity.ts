import type { Sandbox } from '../crds/sandbox.ts';
import type { ExecutorClient, ExecutorTarget } from '../executor/client.ts';
import type { Clock } from '../kube/clock.ts';
import { DeadlineError, withDeadline } from './deadline.ts';
import type { Executors } from './executor-of.ts';

export interface LiveActivityOptions {
  readonly executors: Executors;
  readonly executor: ExecutorClient;
  readonly clock: Clock;
}

/** Reading a session must not become slow because its sandbox is. */
const WAIT_MS = 500;
/** A client that polls a session costs its sandbox one question per second. */
const FRESH_MS = 1_000;

/** When sessions were last used, asked from their executors: the operator writes it down only when an idle deadline comes due. */
export class LiveActivity {
  readonly #options: LiveActivityOptions;
  readonly #asked = new Map<string, { readonly at: number; readonly answer: Promise<number> }>();

  constructor(options: LiveActivityOptions) {
    this.#options = options;
  }

  /** Undefined where the session has no executor or that does not answer in time. */
  async of(sandbox: Sandbox, signal: AbortSignal): Promise<string | undefined> {
    try {
      const reach = await this.#options.executors.of(sandbox, signal);
      if (reach.state !== 'live') return undefined;
      // What a sandbox says of itself is only believed as far as it can be true.
      const at = Math.min(await this.#ask(reach.target), this.#options.clock.now());
      return new Date(at).toISOString();
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  }

  #ask(target: ExecutorTarget): Promise<number> {
    const now = this.#options.clock.now();
    for (const [podUID, { at }] of this.#asked) {
      if (at + FRESH_MS > now) break;
      this.#asked.delete(podUID);
    }
    const known = this.#asked.get(target.podUID);
    if (known !== undefined) return known.answer;
    const answer = this.#fetch(target);
    this.#asked.set(target.podUID, { at: now, answer });
    return answer;
  }

  /** Shared by all who ask meanwhile, so no client's going away ends it. */
  async #fetch(target: ExecutorTarget): Promise<number> {
    const { executor, clock } = this.#options;
    const reason = new DeadlineError('the executor did not say in time');
    const { lastActivityAt } = await withDeadline(
      { clock, ms: WAIT_MS, reason, signals: [] },
      (bounded) => executor.activity(target, bounded),
    );
    return Date.parse(lastActivityAt);
  }
}
