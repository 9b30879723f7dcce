import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../kube/clock.ts';
import { textPieces } from '../../executor/text-pieces.ts';
import { Reply } from '../reply.ts';

/** One server-sent event (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export type Frame = EventFrame | CommentFrame;

/** What no client is told of, but whoever looks at the bytes. */
interface CommentFrame {
  readonly comment: string;
}

interface EventFrame {
  readonly event: string;
  /** What a client that comes back says it has seen last. */
  readonly id?: string | undefined;
  readonly data: object;
}

export interface EventStreamOptions {
  readonly clock: Clock;
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal;
}

/** Proxies close what is silent for a minute, some after 30 s. */
const HEARTBEAT_MS = 15_000;
const HEARTBEAT = ': the stream is open\n\n';
/** How long clients wait before they come back by themselves. */
const PREAMBLE = 'retry: 1000\n\n';
/** At most 3 bytes each: a write stays below 32 KiB. */
const CHARACTERS_PER_WRITE = 10_000;

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store, no-transform',
  // nginx and those who copied it would collect the answer before they hand it on.
  'X-Accel-Buffering': 'no',
};

/** Sends frames as they come, one only after the client has taken those before it: a slow client holds up nothing but its own frames. */
export function eventStream(
  frames: AsyncIterable<Frame>,
  { clock, signal }: EventStreamOptions,
): Reply {
  return new Reply(async (response) => {
    response.writeHead(200, HEADERS);
    if (response.req.method === 'HEAD') {
      response.end();
      return;
    }
    const heartbeat = new Heartbeat(response, clock);
    try {
      await sent(response, PREAMBLE, signal);
      for await (const frame of frames) {
        await sent(response, textOf(frame), signal);
        heartbeat.postpone();
      }
      response.end();
    } finally {
      heartbeat.stop();
    }
  });
}

function textOf(frame: Frame): string {
  if ('comment' in frame) return `: ${frame.comment}\n\n`;
  const { event, id, data } = frame;
  const line = id === undefined ? '' : `id: ${id}\n`;
  return `event: ${event}\n${line}data: ${JSON.stringify(data)}\n\n`;
}

async function sent(response: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  for (const piece of textPieces(text, CHARACTERS_PER_WRITE)) {
    signal.throwIfAborted();
    if (!response.write(piece)) await drained(response, signal);
  }
}

async function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  try {
    await once(response, 'drain', { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/** A comment whenever nothing else was sent for a while. */
class Heartbeat {
  readonly #response: ServerResponse;
  readonly #clock: Clock;
  #cancel: () => void = () => undefined;

  constructor(response: ServerResponse, clock: Clock) {
    this.#response = response;
    this.#clock = clock;
    this.postpone();
  }

  postpone(): void {
    this.#cancel();
    this.#cancel = this.#clock.schedule(() => {
      this.#beat();
    }, HEARTBEAT_MS);
  }

  stop(): void {
    this.#cancel();
  }

  #beat(): void {
    // Who does not read what there is needs no sign that there is more.
    if (!this.#response.writableNeedDrain) this.#response.write(HEARTBEAT);
    this.postpone();
  }
}
