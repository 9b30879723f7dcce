import { FakeClock } from '../test/fakes/clock.ts';
import { Periodic } from './periodic.ts';

let clock: FakeClock;
let begun: AbortSignal[];
let end: () => void;
let periodic: Periodic;

beforeEach(() => {
  clock = new FakeClock();
  begun = [];
  periodic = new Periodic({
    clock,
    firstAfterMs: 10,
    everyMs: 100,
    work: (signal) => {
      begun.push(signal);
      return new Promise((resolve) => {
        end = resolve;
      });
    },
  });
  periodic.start();
});

test('begins after a while, and again so long after each end', async () => {
  await clock.run(9);
  expect(begun).toHaveLength(0);
  await clock.run(500);
  expect(begun).toHaveLength(1);
  end();
  await clock.run(99);
  expect(begun).toHaveLength(1);
  await clock.run(2);
  expect(begun).toHaveLength(2);
});

test('once it is stopped it waits for what is under way, tells it, and begins no more', async () => {
  await clock.run(10);
  const stopped = periodic.stop();
  expect(begun[0]?.aborted).toBe(true);
  end();
  await stopped;
  await clock.run(1_000);
  expect(begun).toHaveLength(1);
});
