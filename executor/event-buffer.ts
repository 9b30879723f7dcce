import { TextDecoder } from 'node:util';
import { EXECUTOR_LIMITS, type OutputEvent } from './contract.ts';
import { textPieces } from './text-pieces.ts';

type Stream = 'stdout' | 'stderr';
type Phase = Extract<OutputEvent, { type: 'end' }>['phase'];

export interface EventLimits {
  readonly bytes: number;
  readonly events: number;
}

/**
 * The numbered output of one run, as far back as the limits allow. Readers come with a number and at their own pace: one that is
 * too slow is told of a gap, and the run never waits for it.
 */
export class EventBuffer {
  readonly #limits: EventLimits;
  readonly #decoders = { stdout: newDecoder(), stderr: newDecoder() };
  readonly #listeners = new Set<() => void>();
  readonly #events: OutputEvent[] = [];
  #next = 0;
  #heldBytes = 0;
  #lostBytes = 0;
  #ended = false;

  constructor(limits: EventLimits) {
    this.#limits = limits;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Bytes of text held, for whoever bounds the sum of all runs. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  push(stream: Stream, chunk: Buffer): void {
    this.#add(stream, this.#decoders[stream].decode(chunk, { stream: true }));
  }

  end(phase: Phase): void {
    for (const stream of ['stdout', 'stderr'] as const)
      this.#add(stream, this.#decoders[stream].decode());
    this.#ended = true;
    this.#append({ n: this.#next, type: 'end', phase });
  }

  /** At most `count` events from number `from` on; none if there are none yet. */
  read(from: number, count: number): OutputEvent[] {
    const first = this.#next - this.#events.length;
    if (from >= first) return this.#events.slice(from - first, from - first + count);
    return [{ n: first - 1, type: 'gap', bytes: this.#lostBytes }, ...this.#events.slice(0, count)];
  }

  /** Resolves when something was added after now, or the signal is aborted. */
  async changed(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = (): void => {
      resolve(undefined);
    };
    this.#listeners.add(wake);
    signal.addEventListener('abort', wake, { once: true });
    try {
      await promise;
    } finally {
      this.#listeners.delete(wake);
      signal.removeEventListener('abort', wake);
    }
  }

  #add(stream: Stream, data: string): void {
    for (const piece of textPieces(data, EXECUTOR_LIMITS.eventCharacters)) {
      this.#heldBytes += Buffer.byteLength(piece);
      this.#append({ n: this.#next, type: stream, data: piece });
    }
  }

  #append(event: OutputEvent): void {
    this.#next += 1;
    this.#events.push(event);
    this.#forget();
    for (const wake of [...this.#listeners]) wake();
  }

  #forget(): void {
    const { bytes, events } = this.#limits;
    while (this.#events.length > 1 && (this.#heldBytes > bytes || this.#events.length > events)) {
      const oldest = this.#events.shift();
      const size = oldest !== undefined && 'data' in oldest ? Buffer.byteLength(oldest.data) : 0;
      this.#heldBytes -= size;
      this.#lostBytes += size;
    }
  }
}

/** Replaces invalid bytes, and holds back the beginning of a character whose end is in the next chunk. */
function newDecoder(): TextDecoder {
  return new TextDecoder('utf-8', { ignoreBOM: true });
}
