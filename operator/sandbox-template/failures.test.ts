import { FakeClock } from '../../test/fakes/clock.ts';
import { PoolFailures } from './failures.ts';

const KEY = 'default/python-basic';
let clock: FakeClock;
let failures: PoolFailures;

beforeEach(() => {
  clock = new FakeClock();
  failures = new PoolFailures(clock);
});

/** How long the pool pauses from now on. */
function pauseMs(make = 'make-1'): number {
  return (failures.pausedUntil(KEY, make) ?? clock.now()) - clock.now();
}

test('a pool that keeps failing pauses for ever longer, and no longer than five minutes', () => {
  const pauses: number[] = [];
  for (let failure = 0; failure < 8; failure += 1) {
    failures.note(KEY, 'make-1');
    pauses.push(pauseMs() / 1_000);
    clock.advance(pauseMs());
  }
  expect(pauses).toEqual([10, 20, 40, 80, 160, 300, 300, 300]);
});

test('pods that fail together are one failure', () => {
  failures.note(KEY, 'make-1');
  clock.advance(4_000);
  failures.note(KEY, 'make-1');
  expect(pauseMs()).toBe(6_000);
});

test('a template that was changed does not wait for what its earlier make did', () => {
  failures.note(KEY, 'make-1');
  expect(pauseMs('make-2')).toBe(0);
});

test('a pool that was whole again begins anew', () => {
  failures.note(KEY, 'make-1');
  clock.advance(10_000);
  failures.forget(KEY);
  failures.note(KEY, 'make-1');
  expect(pauseMs()).toBe(10_000);
});
