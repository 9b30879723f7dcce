import { TokenBucket } from './token-bucket.ts';

test('the burst passes at once, and what follows waits for its token', () => {
  const bucket = new TokenBucket({ perSecond: 10, burst: 2 }, 0);
  expect([0, 0, 0, 0].map((now) => bucket.reserve(now))).toEqual([0, 0, 100, 200]);
});

test('what is taken on credit is made up for before anything else passes', () => {
  const bucket = new TokenBucket({ perSecond: 10, burst: 2 }, 0);
  expect(bucket.reserve(0, 5)).toBe(300);
  expect(bucket.state(0)).toEqual({ remaining: 0, nextMs: 400 });
  expect([300, 400].map((now) => bucket.tryTake(now))).toEqual([false, true]);
});

test('a bucket refills with time, but not beyond its burst', () => {
  const bucket = new TokenBucket({ perSecond: 1, burst: 2 }, 0);
  expect([0, 0, 0].map((now) => bucket.tryTake(now))).toEqual([true, true, false]);
  expect(bucket.tryTake(1_000)).toBe(true);
  expect([60_000, 60_000, 60_000].map((now) => bucket.tryTake(now))).toEqual([true, true, false]);
});

test('a clock set back neither fills nor empties it', () => {
  const bucket = new TokenBucket({ perSecond: 1, burst: 1 }, 10_000);
  expect(bucket.tryTake(0)).toBe(true);
  expect(bucket.tryTake(0)).toBe(false);
});
