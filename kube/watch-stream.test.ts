import * as fc from 'fast-check';
import { aWidget, WIDGETS } from '../test/builders/widget.ts';
import { GoneError, UnavailableError } from './errors.ts';
import { watchEvents } from './watch-stream.ts';

const widget = aWidget({ name: 'a', annotations: { greeting: 'grüß dich 👋' } });
const event = { type: 'ADDED', object: widget };

async function* chunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(text: string, size = 1 << 16): Promise<unknown[]> {
  const events = [];
  for await (const read of watchEvents(WIDGETS, chunks(Buffer.from(text), size))) events.push(read);
  return events;
}

test('events survive any cut of the stream, also in the middle of a character', async () => {
  const text = `${JSON.stringify(event)}\n`.repeat(3);
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 300 }), async (size) => {
      expect(await read(text, size)).toEqual([event, event, event]);
    }),
  );
});

test('blank lines and a missing last newline do no harm', async () => {
  expect(await read(`\n${JSON.stringify(event)}\n\n${JSON.stringify(event)}`)).toHaveLength(2);
});

test('a bookmark is reduced to its version', async () => {
  const bookmark = { type: 'BOOKMARK', object: { metadata: { resourceVersion: '77' } } };
  expect(await read(JSON.stringify(bookmark))).toEqual([
    { type: 'BOOKMARK', resourceVersion: '77' },
  ]);
});

test('a stream that ends inside an event is a broken one, after the events before', async () => {
  await expect(read(`${JSON.stringify(event)}\n{"type":"ADD`)).rejects.toThrow(UnavailableError);
});

test('an ERROR event is thrown as the typed error', async () => {
  const error = { type: 'ERROR', object: { code: 410, reason: 'Expired', message: 'too old' } };
  await expect(read(JSON.stringify(error))).rejects.toThrow(GoneError);
});
