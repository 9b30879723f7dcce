import { burst, poisson } from './arrivals.ts';

test('a burst comes all at once', () => {
  expect(burst(3)).toEqual([0, 0, 0]);
});

test('clients of a Poisson process come in order and at the rate that was asked for', () => {
  let seed = 1;
  const random = (): number => (seed = (seed * 16_807) % 2_147_483_647) / 2_147_483_647;
  const arrivals = poisson(10_000, 50, random);
  expect(arrivals.toSorted((a, b) => a - b)).toEqual(arrivals);
  expect((arrivals.at(-1) ?? 0) / 1_000).toBeCloseTo(10_000 / 50, -1);
});
