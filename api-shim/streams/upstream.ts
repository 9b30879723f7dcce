import type { ExecutorTarget, EventsOptions, ExecutorClient } from '../../executor/client.ts';
import type { OutputEvent } from '../../executor/contract.ts';
import type { Clock } from '../../kube/clock.ts';
import type { RunEnd } from './run-end.ts';

/** An executor that has not said `end` so long after the outcome was recorded never will. */
const SILENCE_MS = 2_000;

interface UpstreamOptions extends Pick<EventsOptions, 'from' | 'waitMs' | 'signal'> {
  readonly executor: ExecutorClient;
  readonly target: ExecutorTarget;
  readonly id: string;
  readonly end: RunEnd;
  readonly clock: Clock;
}

/**
 * The executor's events, given up when it goes on being silent after the run is known to have ended. The reader's own slowness does not
 * count as silence. A run that ended before it said anything may never have been handed to this executor: that is given up at once.
 */
export async function* readUpstream(options: UpstreamOptions): AsyncGenerator<OutputEvent> {
  const { executor, target, id, from, waitMs, signal, end, clock } = options;
  const silence = new SilenceWatch(clock, end.ending === undefined ? 0 : SILENCE_MS);
  void end.known.then(() => {
    silence.matters();
  });
  const bounded = AbortSignal.any([signal, silence.signal]);
  try {
    for await (const event of executor.events(target, id, { from, waitMs, signal: bounded })) {
      silence.pause();
      yield event;
      silence.resume();
    }
  } finally {
    silence.stop();
  }
}

class SilenceWatch {
  readonly #clock: Clock;
  readonly #given = new AbortController();
  #state: 'waiting' | 'reading' | 'over' = 'waiting';
  #patienceMs: number;
  #matters = false;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock, patienceMs: number) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
  }

  /** Aborts when the silence has lasted too long, and when the watch is over. */
  get signal(): AbortSignal {
    return this.#given.signal;
  }

  matters(): void {
    this.#matters = true;
    this.#arm();
  }

  pause(): void {
    this.#state = 'reading';
    this.#patienceMs = SILENCE_MS;
    this.#cancel();
  }

  resume(): void {
    this.#state = 'waiting';
    this.#arm();
  }

  stop(): void {
    this.#state = 'over';
    this.#cancel();
    this.#given.abort();
  }

  #arm(): void {
    if (!this.#matters || this.#state !== 'waiting') return;
    const giveUp = (): void => {
      this.#given.abort();
    };
    if (this.#patienceMs === 0) giveUp();
    else this.#cancel = this.#clock.schedule(giveUp, this.#patienceMs);
  }
}
