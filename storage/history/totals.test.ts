import { FakeClock } from '../../test/fakes/clock.ts';
import { Totals } from './totals.ts';

function counter(answers: readonly number[]) {
  let asked = 0;
  const count = (): Promise<number> => {
    const answer = answers[asked] ?? -1;
    asked += 1;
    return Promise.resolve(answer);
  };
  return { count, times: () => asked };
}

test('a small list is counted each time', async () => {
  const totals = new Totals(new FakeClock());
  const { count } = counter([7, 8]);
  expect([await totals.of('a', count), await totals.of('a', count)]).toEqual([7, 8]);
});

test('a large one is counted once in five seconds, each list by itself', async () => {
  const clock = new FakeClock();
  const totals = new Totals(clock);
  const { count, times } = counter([10_000, 20_000, 10_001]);
  const both = [totals.of('a', count), totals.of('a', count)];
  expect(await Promise.all(both)).toEqual([10_000, 10_000]);
  expect(await totals.of('b', count)).toBe(20_000);
  clock.advance(5_000);
  await totals.of('a', count);
  expect(await totals.of('a', count)).toBe(10_001);
  expect(times()).toBe(3);
});

test('nobody waits for a large list to be counted again, unless it was not asked for in a minute', async () => {
  const clock = new FakeClock();
  const totals = new Totals(clock);
  let finish = (_total: number): void => undefined;
  const slow = (): Promise<number> =>
    new Promise((resolve) => {
      finish = resolve;
    });
  const { count } = counter([10_000, 30_000]);
  await totals.of('a', count);
  clock.advance(5_000);
  expect(await totals.of('a', slow)).toBe(10_000);
  expect(await totals.of('a', () => Promise.reject(new Error('asked twice')))).toBe(10_000);
  finish(20_000);
  await new Promise(setImmediate);
  expect(await totals.of('a', slow)).toBe(20_000);
  clock.advance(60_000);
  expect(await totals.of('a', count)).toBe(30_000);
});

test('a first count that takes longer than a total is good for is not begun twice', async () => {
  const clock = new FakeClock();
  const totals = new Totals(clock);
  const { promise, resolve } = Promise.withResolvers<number>();
  let begun = 0;
  const slow = (): Promise<number> => {
    begun += 1;
    return promise;
  };
  const first = totals.of('a', slow);
  clock.advance(6_000);
  const second = totals.of('a', slow);
  resolve(10_000);
  expect(await Promise.all([first, second])).toEqual([10_000, 10_000]);
  clock.advance(4_999);
  await totals.of('a', slow);
  expect(begun).toBe(1);
});

test('a list that has become small is counted each time again', async () => {
  const clock = new FakeClock();
  const totals = new Totals(clock);
  const { count } = counter([10_000, 5, 4]);
  await totals.of('a', count);
  clock.advance(5_000);
  await totals.of('a', count);
  await new Promise(setImmediate);
  expect(await totals.of('a', count)).toBe(4);
});

test('a count that failed is not kept', async () => {
  const totals = new Totals(new FakeClock());
  const failing = totals.of('a', () => Promise.reject(new Error('away')));
  await expect(failing).rejects.toThrow('away');
  expect(await totals.of('a', () => Promise.resolve(3))).toBe(3);
});
