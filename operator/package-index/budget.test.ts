import { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Budget } from './budget.ts';

const tooLarge = { name: 'UpstreamError', code: 'TooLarge' };

/** So many bytes; `meanwhile` is done when they are through. */
function pass(
  budget: Budget,
  bytes: number,
  { limit = 100, meanwhile = () => Promise.resolve() } = {},
): Promise<void> {
  return budget.within(limit, async (counted) => {
    const sink = new Writable({
      write: (_chunk, _encoding, done) => {
        done();
      },
    });
    await pipeline(Readable.from([Buffer.alloc(bytes)]), counted, sink);
    await meanwhile();
  });
}

test('one that is larger than it may be fails', async () => {
  const budget = new Budget(100);
  await expect(pass(budget, 11, { limit: 10 })).rejects.toMatchObject(tooLarge);
  await pass(budget, 100);
});

test('what others have on their way counts, until they are done or have failed', async () => {
  const budget = new Budget(100);
  await pass(budget, 60, {
    meanwhile: () => expect(pass(budget, 41)).rejects.toMatchObject(tooLarge),
  });
  await pass(budget, 100);
});
