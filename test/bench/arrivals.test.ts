import { burst, poisson, sameRandom } from './arrivals.ts';

test('a burst comes all at once', () => {
  expect(burst(3)).toEqual([0, 0, 0]);
});

test('clients of a Poisson process come in order and at the rate that was asked for', () => {
  const arrivals = poisson(10_000, 50, sameRandom());
  expect(arrivals.toSorted((a, b) => a - b)).toEqual(arrivals);
  expect((arrivals.at(-1) ?? 0) / 1_000).toBeCloseTo(10_000 / 50, -1);
});
