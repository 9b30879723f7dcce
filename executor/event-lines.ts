import { ExecutorError } from './client.ts';
import { badAnswer } from './client-errors.ts';
import { EXECUTOR_LIMITS, type OutputEvent, outputEvent } from './contract.ts';

/** Six bytes per UTF-16 unit is the most that JSON takes; the rest is room for the other fields. */
const MAX_LINE_BYTES = 6 * EXECUTOR_LIMITS.eventCharacters + 256;
const NEWLINE = 0x0a;

/** Checked events from newline-delimited JSON, from number `from` on, numbered without gaps but those that are told; ends with `end`. */
export async function* readEvents(
  body: AsyncIterable<Buffer>,
  from: number,
): AsyncGenerator<OutputEvent> {
  let next = from;
  for await (const line of lines(body)) {
    const event = eventIn(line);
    if (event.n < next || (event.n > next && event.type !== 'gap'))
      throw badAnswer('its events are not in order');
    next = event.n + 1;
    yield event;
    if (event.type === 'end') return;
  }
  throw new ExecutorError('Unreachable', 'the executor ended the stream before the run', {
    retryable: true,
  });
}

async function* lines(body: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest = Buffer.alloc(0);
  for await (const chunk of body) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      yield Buffer.concat([rest, chunk.subarray(start, end)]).toString();
      rest = Buffer.alloc(0);
      start = end + 1;
    }
    rest = Buffer.concat([rest, chunk.subarray(start)]);
    if (rest.length > MAX_LINE_BYTES) throw badAnswer('an event is larger than agreed');
  }
}

function eventIn(line: string): OutputEvent {
  try {
    return outputEvent.parse(JSON.parse(line));
  } catch (cause) {
    throw badAnswer('it is no event', cause);
  }
}
