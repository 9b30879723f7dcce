import { FakeClock } from '../test/fakes/clock.ts';
import { retry } from './retry.ts';

/** A step that fails so often before it succeeds, and what became of it. */
function retrying(failures: number) {
  const clock = new FakeClock();
  const start = clock.now();
  const controller = new AbortController();
  const triedAt: number[] = [];
  const told: unknown[] = [];
  let isOver = false;
  const step = async (): Promise<void> => {
    triedAt.push(clock.now() - start);
    await Promise.resolve();
    if (triedAt.length <= failures) throw new Error(`failure ${String(triedAt.length)}`);
  };
  const over = retry(step, {
    clock,
    random: () => 0,
    backoff: { baseMs: 100, maxMs: 400 },
    signal: controller.signal,
    onFailure: (error) => told.push((error as Error).message),
  }).then(() => {
    isOver = true;
  });
  return { clock, controller, triedAt, told, over, isOver: () => isOver };
}

test.each([
  ['once, if it succeeds', 0, [0]],
  ['again after a pause', 1, [0, 100]],
  ['after ever longer pauses, up to a bound', 5, [0, 100, 300, 700, 1_100, 1_500]],
])('a step is done %s', async (_what, failures, times) => {
  const { clock, triedAt, told, isOver } = retrying(failures);
  await clock.run(10_000);
  expect(triedAt).toEqual(times);
  expect(told).toEqual(times.slice(1).map((_, index) => `failure ${String(index + 1)}`));
  expect(isOver()).toBe(true);
});

test('an abort ends the pause, and nothing is tried after it', async () => {
  const { clock, controller, triedAt, over } = retrying(3);
  await clock.run(50);
  controller.abort();
  await over;
  await clock.run(10_000);
  expect(triedAt).toEqual([0]);
  expect(clock.pending).toBe(0);
});

test('a failure that comes of the abort is told to nobody', async () => {
  const { controller, told, over } = retrying(3);
  controller.abort();
  await over;
  expect(told).toEqual([]);
});

test('nothing is done for who has aborted before', async () => {
  let isDone = false;
  const step = (): Promise<void> => {
    isDone = true;
    return Promise.resolve();
  };
  const clock = new FakeClock();
  const backoff = { baseMs: 1, maxMs: 1 };
  await retry(step, { clock, random: () => 0, backoff, signal: AbortSignal.abort() });
  expect(isDone).toBe(false);
});
