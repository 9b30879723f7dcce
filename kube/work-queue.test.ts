import * as fc from 'fast-check';
import { FakeClock } from '../test/fakes/clock.ts';
import { WorkQueue } from './work-queue.ts';

function aQueue() {
  const clock = new FakeClock();
  const ready = { count: 0 };
  const queue = new WorkQueue({
    name: 'test',
    clock,
    random: () => 0,
    backoff: { baseMs: 100, maxMs: 1_000 },
    rateLimit: { perSecond: 10, burst: 5 },
    onReady: () => (ready.count += 1),
  });
  const takeAll = (): string[] => {
    const keys = [];
    for (let key = queue.take(); key !== undefined; key = queue.take()) keys.push(key);
    return keys;
  };
  return { clock, queue, takeAll, ready };
}

test('due keys come out in the order they went in, each once', () => {
  const { queue, takeAll } = aQueue();
  for (const key of ['b', 'a', 'b', 'c']) queue.add(key);
  expect(queue.depth).toBe(3);
  expect(takeAll()).toEqual(['b', 'a', 'c']);
});

test('a due key is announced within the call that made it due', () => {
  const { queue, ready, clock } = aQueue();
  queue.add('a');
  expect(ready.count).toBe(1);
  queue.add('b', { afterMs: 10 });
  expect(ready.count).toBe(1);
  clock.advance(10);
  expect(ready.count).toBe(2);
});

test('a delayed key comes when it is due and not a millisecond before', () => {
  const { queue, clock, takeAll } = aQueue();
  queue.add('a', { afterMs: 100 });
  clock.advance(99);
  expect(takeAll()).toEqual([]);
  clock.advance(1);
  expect(takeAll()).toEqual(['a']);
});

test.each([
  ['sooner after later', [500, 100]],
  ['later after sooner', [100, 500]],
])('of two delays the earlier holds: %s', (_name, delays) => {
  const { queue, clock, takeAll } = aQueue();
  for (const afterMs of delays) queue.add('a', { afterMs });
  clock.advance(100);
  expect(takeAll()).toEqual(['a']);
  expect(clock.pending).toBe(0);
});

test('a timer that fires early, as Node does on very long delays, waits for the rest', () => {
  const fake = new FakeClock();
  const cut = {
    now: () => fake.now(),
    monotonic: () => fake.monotonic(),
    schedule: fake.schedule.bind(fake),
  };
  const queue = new WorkQueue({
    name: 'test',
    clock: { ...cut, schedule: (callback, ms) => fake.schedule(callback, Math.min(ms, 1_000)) },
    random: () => 0,
    backoff: { baseMs: 1, maxMs: 1 },
    rateLimit: { perSecond: 1, burst: 1 },
    onReady: () => undefined,
  });
  queue.add('a', { afterMs: 2_500 });
  fake.advance(2_499);
  expect(queue.take()).toBeUndefined();
  fake.advance(1);
  expect(queue.take()).toBe('a');
});

test('low priority waits for normal, and is raised by a second add', () => {
  const { queue, takeAll } = aQueue();
  queue.add('resync-1', { priority: 'low' });
  queue.add('resync-2', { priority: 'low' });
  queue.add('fresh');
  queue.add('resync-2');
  queue.add('fresh', { priority: 'low' });
  expect(takeAll()).toEqual(['fresh', 'resync-2', 'resync-1']);
});

test('a key in progress is held back and handed out once more after done', () => {
  const { queue, takeAll } = aQueue();
  queue.add('a');
  expect(takeAll()).toEqual(['a']);
  queue.add('a');
  queue.add('a');
  expect(takeAll()).toEqual([]);
  queue.done('a');
  expect(takeAll()).toEqual(['a']);
  queue.done('a');
  expect(takeAll()).toEqual([]);
});

test('a delay given to a key in progress runs from when it was given', () => {
  const { queue, clock, takeAll } = aQueue();
  queue.add('a');
  takeAll();
  queue.add('a', { afterMs: 100 });
  clock.advance(60);
  queue.done('a');
  clock.advance(39);
  expect(takeAll()).toEqual([]);
  clock.advance(1);
  expect(takeAll()).toEqual(['a']);
});

test('retries back off per key until it is forgotten', () => {
  const { queue } = aQueue();
  expect([queue.retry('a'), queue.retry('a'), queue.retry('b')]).toEqual([100, 200, 100]);
  queue.forget('a');
  expect(queue.retry('a')).toBe(100);
});

test('a retry waits as long as the server asked for', () => {
  const { queue } = aQueue();
  expect(queue.retry('a', 5_000)).toBe(5_000);
});

test('many failing keys together are held to the overall rate', () => {
  const { queue } = aQueue();
  const delays = Array.from({ length: 9 }, (_, index) => queue.retry(`key-${String(index)}`));
  expect(delays).toEqual([100, 100, 100, 100, 100, 100, 200, 300, 400]);
});

test('after shutdown nothing is handed out or taken in, and idle is when the last work is done', async () => {
  const { queue, clock, takeAll } = aQueue();
  queue.add('working');
  takeAll();
  queue.add('waiting');
  queue.add('later', { afterMs: 10 });
  queue.add('working');
  queue.shutDown();
  queue.add('new');
  expect(takeAll()).toEqual([]);
  expect(clock.pending).toBe(0);
  let idle = false;
  const whenIdle = queue.whenIdle().then(() => (idle = true));
  await clock.run(0);
  expect(idle).toBe(false);
  queue.done('working');
  await whenIdle;
  expect(takeAll()).toEqual([]);
});

test('whatever is done to it, no key is worked on twice at a time, and none that was added is lost', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), key, afterMs: fc.constantFrom(0, 5, 50) }),
    fc.record({ do: fc.constant('retry' as const), key }),
    fc.record({ do: fc.constant('take' as const) }),
    fc.record({ do: fc.constant('done' as const), key }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 20, 200) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { queue, clock, takeAll } = aQueue();
      const active = new Set<string>();
      const owed = new Set<string>();
      const take = (taken: string): void => {
        expect(active.has(taken)).toBe(false);
        active.add(taken);
        owed.delete(taken);
      };
      for (const action of steps) {
        if (action.do === 'add' || action.do === 'retry') {
          owed.add(action.key);
          if (action.do === 'add') queue.add(action.key, action);
          else queue.retry(action.key);
        } else if (action.do === 'take') {
          const taken = queue.take();
          if (taken !== undefined) take(taken);
        } else if (action.do === 'done') {
          if (active.delete(action.key)) queue.done(action.key);
        } else clock.advance(action.ms);
      }
      for (const taken of active) queue.done(taken);
      active.clear();
      clock.advance(60_000);
      takeAll().forEach(take);
      expect([...owed]).toEqual([]);
      expect(clock.pending).toBe(0);
    }),
  );
});

test('a delay is one by the stopwatch, whatever happens to the time of day', () => {
  const { queue, clock } = aQueue();
  queue.add('a', { afterMs: 1_000 });
  clock.step(-3_600_000);
  clock.advance(1_000);
  expect(queue.take()).toBe('a');
});
