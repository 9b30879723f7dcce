import type { WatchEvent } from './client.ts';
import { UnavailableError } from './errors.ts';
import type { KubeObject, ResourceType } from './objects.ts';
import { errorFromWatch } from './status-error.ts';

const NEWLINE = 0x0a;

/** Cuts a byte stream into lines. Works on bytes because a chunk may end in the middle of a character, but never hides a newline in one. */
export class LineSplitter {
  #partial: Buffer[] = [];

  /** The lines that `chunk` completes, without empty ones. */
  push(chunk: Buffer): readonly string[] {
    const lines: string[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      const line = this.#complete(chunk.subarray(start, end));
      if (line !== '') lines.push(line);
      start = end + 1;
    }
    if (start < chunk.length) this.#partial.push(chunk.subarray(start));
    return lines;
  }

  /** What came after the last newline. */
  rest(): string {
    return this.#complete(Buffer.alloc(0));
  }

  #complete(tail: Buffer): string {
    if (this.#partial.length === 0) return tail.toString('utf8');
    const line = Buffer.concat([...this.#partial, tail]).toString('utf8');
    this.#partial = [];
    return line;
  }
}

/** Reads the events of a watch answer. Throws on an ERROR event and on a stream that ends inside an event. */
export async function* watchEvents<T extends KubeObject>(
  type: ResourceType<T>,
  body: AsyncIterable<Buffer>,
): AsyncGenerator<WatchEvent<T>> {
  const splitter = new LineSplitter();
  for await (const chunk of body) {
    for (const line of splitter.push(chunk)) yield watchEvent(type, line);
  }
  const rest = splitter.rest().trim();
  if (rest !== '') yield watchEvent(type, rest);
}

/** The wire form; `object` is trusted to be what the API server serves for the kind. */
interface WireEvent<T extends KubeObject> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

function watchEvent<T extends KubeObject>(type: ResourceType<T>, line: string): WatchEvent<T> {
  const event = parseEvent(type, line);
  if (event.type === 'ERROR') throw errorFromWatch(event.object);
  if (event.type === 'BOOKMARK') {
    return { type: 'BOOKMARK', resourceVersion: event.object.metadata.resourceVersion };
  }
  return { type: event.type, object: event.object };
}

function parseEvent<T extends KubeObject>(type: ResourceType<T>, line: string): WireEvent<T> {
  try {
    return JSON.parse(line) as WireEvent<T>;
  } catch (cause) {
    const message = `the watch of ${type.plural} was cut inside an event`;
    throw new UnavailableError(
      { code: 0, reason: 'Truncated', message },
      { cause, retryable: true },
    );
  }
}
