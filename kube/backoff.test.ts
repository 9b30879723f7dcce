import * as fc from 'fast-check';
import { Backoff, backoffDelay } from './backoff.ts';

const options = { baseMs: 100, maxMs: 1_000 };

test.each([
  [0, 0, 100],
  [1, 0, 200],
  [3, 0, 800],
  [4, 0, 1_000],
  [5_000, 0, 1_000],
  [0, 1, 50],
])('attempt %i with random %d waits %i ms', (attempt, random, delay) => {
  expect(backoffDelay(attempt, options, () => random)).toBe(delay);
});

test('a delay is never below half of the full one, nor above the cap', () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
      const full = Math.min(100 * 2 ** attempt, 1_000);
      const delay = backoffDelay(attempt, options, () => random);
      return delay >= full / 2 && delay <= full;
    }),
  );
});

test('a backoff grows until it is reset', () => {
  const backoff = new Backoff(options, () => 0);
  expect([backoff.next(), backoff.next(), backoff.next()]).toEqual([100, 200, 400]);
  backoff.reset();
  expect(backoff.next()).toBe(100);
});
