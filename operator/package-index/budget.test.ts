import { PassThrough, Readable, Writable } from 'node:stream';
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
    await pipeline(Readable.from([Buffer.alloc(bytes)]), counted, nowhere());
    await meanwhile();
  });
}

function nowhere(): Writable {
  return new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
}

test('one that is larger than it may be fails', async () => {
  const budget = new Budget(100);
  await expect(pass(budget, 11, { limit: 10 })).rejects.toMatchObject(tooLarge);
  await pass(budget, 100);
});

test('what others have on their way counts, until they are done or have failed', async () => {
  const budget = new Budget(100);
  await pass(budget, 40, {
    meanwhile: () => expect(pass(budget, 61)).rejects.toMatchObject(tooLarge),
  });
  await pass(budget, 100);
});

test('one that has taken much and does not end gives way to those who need little', async () => {
  const budget = new Budget(100);
  const endless = new PassThrough();
  const greedy = budget.within(100, (counted) => pipeline(endless, counted, nowhere()));
  const outcome = expect(greedy).rejects.toMatchObject(tooLarge);
  endless.write(Buffer.alloc(90));
  await pass(budget, 20);
  await outcome;
  await pass(budget, 100);
});

test('one that has ended well gives way to nobody, and is counted until it is put away', async () => {
  const budget = new Budget(100);
  await pass(budget, 60, {
    meanwhile: () => expect(pass(budget, 41)).rejects.toMatchObject(tooLarge),
  });
  await pass(budget, 100);
});
