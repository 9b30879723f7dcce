import { setImmediate } from 'node:timers/promises';
import { target } from '../../test/builders/observed-sandbox.ts';
import { FakeClock } from '../../test/fakes/clock.ts';
import { FakeExecutors } from '../../test/fakes/executor.ts';
import { ExecutorMonitor } from './executor-monitor.ts';

const { podUID } = target;

function monitoring() {
  const clock = new FakeClock();
  const executor = new FakeExecutors(clock);
  const news: string[] = [];
  const monitor = new ExecutorMonitor({ executor, clock, enqueue: (key) => news.push(key) });
  return { clock, executor, news, monitor };
}

test('an executor that starts is asked until it answers, and its sandbox looked at then', async () => {
  const { clock, executor, news, monitor } = monitoring();
  const begun = clock.now();
  monitor.askHealth('default/box', target);
  await clock.run(100);
  expect(monitor.view(podUID)).toEqual({ silentSince: begun });
  executor.start(podUID);
  await clock.run(250);
  expect(monitor.view(podUID).silentSince).toBeUndefined();
  expect(monitor.view(podUID).answeredAt).toBeGreaterThan(begun);
  expect(news).toEqual(['default/box', 'default/box']);
});

test('an executor whose network is open is asked until it is closed, and not used before', async () => {
  const { clock, executor, news, monitor } = monitoring();
  executor.start(podUID);
  executor.setNetwork(podUID, 'open');
  monitor.askHealth('default/box', target);
  await clock.run(1_000);
  expect(monitor.view(podUID)).toEqual({ hasOpenNetwork: true });
  expect(news).toEqual(['default/box']);
  executor.setNetwork(podUID, 'closed');
  await clock.run(250);
  expect(monitor.view(podUID)).toEqual({ answeredAt: expect.any(Number) });
  expect(news).toEqual(['default/box', 'default/box']);
});

test('what a pod uses is told with its health, and from the second answer on how many cores', async () => {
  const { clock, executor, monitor } = monitoring();
  executor.start(podUID);
  const ask = async (cpuMs: number): Promise<unknown> => {
    executor.consumption = { cpuMs, memoryBytes: 1_000 };
    monitor.askHealth('default/box', target);
    await clock.run(0);
    return monitor.view(podUID).usage;
  };
  const askedAt = clock.now();
  expect(await ask(500)).toEqual({ askedAt, cpuMs: 500, memoryBytes: 1_000 });
  clock.advance(10_000);
  expect(await ask(3_000)).toMatchObject({ cpuMs: 3_000, cores: 0.25 });
  clock.advance(10_000);
  expect(await ask(0)).toMatchObject({ cores: 0 });
});

test('the questions to an executor that starts come at most a quarter of a second apart', async () => {
  const { clock, executor, monitor } = monitoring();
  monitor.askHealth('default/box', target);
  await clock.run(2_000);
  expect(executor.unanswered.length).toBeGreaterThanOrEqual(10);
});

test('an executor that is silent for long is asked once a second', async () => {
  const { clock, executor, monitor } = monitoring();
  monitor.askHealth('default/box', target);
  await clock.run(60_000);
  const before = executor.unanswered.length;
  await clock.run(10_000);
  expect(executor.unanswered.length - before).toBe(10);
});

test('silence counts from the first question without an answer, and ends with an answer', async () => {
  const { clock, executor, monitor } = monitoring();
  executor.start(podUID);
  monitor.askHealth('default/box', target);
  await clock.run(0);
  executor.silence(podUID);
  await clock.run(5_000);
  const since = clock.now();
  monitor.askActivity('default/box', target);
  monitor.askHealth('default/box', target);
  await clock.run(3_000);
  expect(monitor.view(podUID).silentSince).toBe(since);
  executor.wake(podUID);
  await clock.run(1_000);
  expect(monitor.view(podUID).silentSince).toBeUndefined();
});

test('activity is told with the time of the question', async () => {
  const { clock, executor, monitor } = monitoring();
  executor.start(podUID);
  const usedAt = clock.now();
  await clock.run(5_000);
  monitor.askActivity('default/box', target);
  await clock.run(0);
  expect(monitor.view(podUID).activity).toEqual({
    askedAt: usedAt + 5_000,
    lastActivityAt: usedAt,
    running: 0,
  });
});

test('a pod that is forgotten is not asked any more', async () => {
  const { clock, executor, monitor } = monitoring();
  monitor.askHealth('default/box', target);
  await clock.run(0);
  monitor.forget(podUID);
  await clock.run(60_000);
  expect(executor.unanswered).toHaveLength(1);
  expect(clock.pending).toBe(0);
  expect(monitor.knows(podUID)).toBe(false);
});

test('ten thousand executors are asked in turns, and one that a start waits for is not kept waiting', async () => {
  const asked = new Set<string>();
  const answers = new Map<string, () => void>();
  const monitor = new ExecutorMonitor({
    executor: {
      health: ({ podUID: uid }) =>
        new Promise((resolve) => {
          asked.add(uid);
          answers.set(uid, () => {
            answers.delete(uid);
            resolve({ status: 'ok', version: '1', uptimeMs: 1, languages: [], network: 'closed' });
          });
        }),
      activity: () => Promise.reject(new Error('is not asked here')),
    },
    clock: new FakeClock(),
    enqueue: () => undefined,
  });
  for (let n = 0; n < 10_000; n += 1)
    monitor.askHealth('default/box', { ...target, podUID: String(n) });
  monitor.askHealth('default/starting', { ...target, podUID: 'starting' }, 'awaited');
  await setImmediate();
  expect(asked.has('starting')).toBe(true);
  let most = 0;
  while (answers.size > 0) {
    most = Math.max(most, answers.size);
    for (const answer of [...answers.values()]) answer();
    await setImmediate();
  }
  expect(most).toBeLessThan(1_000);
  expect(asked.size).toBe(10_001);
});
