import { summarize } from './statistics.ts';

test('percentiles are samples, by nearest rank, and nothing is trimmed', () => {
  const samples = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(summarize(samples)).toEqual({ n: 100, p50: 50, p95: 95, p99: 99, max: 100 });
  expect(summarize([7])).toEqual({ n: 1, p50: 7, p95: 7, p99: 7, max: 7 });
});

test('a series without samples is an error, not a zero', () => {
  expect(() => summarize([])).toThrow(RangeError);
});
