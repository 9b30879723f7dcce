import { ExecutorError } from '../../executor/client.ts';
import type { ExecutionState } from '../../executor/contract.ts';
import { anOutcome } from '../../test/builders/execution.ts';
import { target } from '../../test/builders/observed-sandbox.ts';
import { FakeClock } from '../../test/fakes/clock.ts';
import { FakeLogger } from '../../test/fakes/logger.ts';
import { InFlightRuns } from './runs.ts';
import type { RunOrder } from './runs.ts';

const request = { language: 'python', code: 'x', event: {}, timeoutMs: 1_000, env: {} } as const;
const order: RunOrder = {
  uid: 'uid-run',
  key: 'default/run',
  sandboxKey: 'default/box',
  podName: 'box',
  target,
  request,
};
const followed: RunOrder = {
  uid: order.uid,
  key: order.key,
  sandboxKey: order.sandboxKey,
  podName: order.podName,
  target,
};
const running: ExecutionState = {
  id: 'uid-run',
  phase: 'Running',
  startedAt: '2026-01-01T00:00:00Z',
};
const refused = new ExecutorError('Unreachable', 'refused', { retryable: true, nothingSent: true });
const reset = new ExecutorError('Unreachable', 'reset', { retryable: true });
const unknown = new ExecutorError('NotFound', 'no such run', { retryable: false });

/** Runs on an executor whose answers are given one by one; the last stays for ever. */
function following(
  ...answers: readonly (ExecutionState | ExecutorError | Promise<ExecutionState> | 'never')[]
) {
  const clock = new FakeClock();
  const calls: string[] = [];
  const news: string[] = [];
  const silent: string[] = [];
  const left = [...answers];
  const answer = async (call: string): Promise<ExecutionState> => {
    calls.push(call);
    const next = left.length > 1 ? left.shift() : left[0];
    if (next instanceof ExecutorError) throw next;
    if (next === undefined || next === 'never') return new Promise(() => undefined);
    return next;
  };
  const runs = new InFlightRuns({
    executor: {
      run: () => answer('run'),
      state: () => answer('state'),
      cancel: () => answer('cancel'),
    },
    clock,
    random: () => 0,
    logger: new FakeLogger(),
    enqueue: (key) => news.push(key),
    onSilence: ({ sandboxKey }) => silent.push(sandboxKey),
  });
  return { runs, clock, calls, news, silent };
}

test('a short run is one call and one piece of news', async () => {
  const { runs, clock, calls, news } = following(anOutcome());
  runs.ensure(order);
  await clock.run(0);
  expect(calls).toEqual(['run']);
  expect(news).toEqual(['default/run']);
  expect(runs.view('uid-run')?.progress).toEqual({ phase: 'finished', outcome: anOutcome() });
});

test('a run is started once, however often it is asked for', async () => {
  const { runs, clock, calls } = following('never');
  runs.ensure(order);
  runs.ensure(order);
  await clock.run(0);
  expect(calls).toEqual(['run']);
});

test('a run that lasts is told of when it is acknowledged, and then asked after', async () => {
  const { runs, clock, calls, news } = following(running, running, anOutcome());
  runs.ensure(order);
  await clock.run(1_000);
  expect(calls).toEqual(['run', 'state', 'state']);
  expect(news).toEqual(['default/run', 'default/run']);
});

test('a run that had begun before is never started, only asked after', async () => {
  const { runs, clock, calls } = following(unknown);
  runs.ensure(followed);
  await clock.run(0);
  expect(calls).toEqual(['state']);
  expect(runs.view('uid-run')?.progress).toEqual({ phase: 'lost', message: 'no such run' });
});

test('a failure that may pass is tried again, ever less often, and reported as silence', async () => {
  const { runs, clock, calls, silent } = following(refused, reset, anOutcome());
  runs.ensure(order);
  await clock.run(49);
  expect(calls).toHaveLength(1);
  await clock.run(1);
  expect(calls).toHaveLength(2);
  await clock.run(100);
  expect(calls).toEqual(['run', 'run', 'run']);
  expect(silent).toEqual(['default/box', 'default/box']);
  expect(runs.view('uid-run')?.progress.phase).toBe('finished');
});

test.each([
  ['cannot have, when there was no connection', refused, 'no'],
  ['may have, when the connection broke', reset, 'maybe'],
  ['may have, while the call is on its way', 'never', 'pending'],
] as const)('whether the executor has heard of a run: it %s', async (_what, answer, heard) => {
  const { runs, clock } = following(answer);
  runs.ensure(order);
  await clock.run(0);
  expect(runs.view('uid-run')?.progress).toEqual({ phase: 'starting', heard });
});

test('an executor that may have heard of a run once may have for ever', async () => {
  const { runs, clock } = following(reset, refused);
  runs.ensure(order);
  await clock.run(1_000);
  expect(runs.view('uid-run')?.progress).toEqual({ phase: 'starting', heard: 'maybe' });
});

test('a run that is forgotten is not asked after any more', async () => {
  const { runs, clock, calls } = following(refused);
  runs.ensure(order);
  await clock.run(0);
  runs.forget('uid-run');
  await clock.run(60_000);
  expect(calls).toHaveLength(1);
  expect(clock.pending).toBe(0);
  expect(runs.view('uid-run')).toBeUndefined();
});

test('a cancellation reaches the executor even if it does not know the run at first', async () => {
  const { runs, clock, calls } = following('never', unknown, anOutcome({ phase: 'Cancelled' }));
  runs.ensure(order);
  await clock.run(0);
  runs.cancel('uid-run');
  runs.cancel('uid-run');
  await clock.run(100);
  expect(calls).toEqual(['run', 'cancel', 'cancel']);
  expect(runs.view('uid-run')?.progress).toMatchObject({ outcome: { phase: 'Cancelled' } });
});

test('what is known of an end is not lost because a call that was on its way fails after it', async () => {
  const asked = Promise.withResolvers<ExecutionState>();
  const { runs, clock } = following(asked.promise, anOutcome({ phase: 'Cancelled' }));
  runs.ensure(order);
  runs.cancel('uid-run');
  await clock.run(0);
  asked.reject(unknown);
  await clock.run(0);
  expect(runs.view('uid-run')?.progress).toMatchObject({ outcome: { phase: 'Cancelled' } });
});

test('a run whose execution was deleted is cancelled, a finished one is left alone', async () => {
  const going = following(running, 'never');
  going.runs.ensure(order);
  await going.clock.run(0);
  going.runs.abandon('uid-run');
  expect(going.calls.at(-1)).toBe('cancel');

  const done = following(anOutcome());
  done.runs.ensure(order);
  await done.clock.run(0);
  done.runs.abandon('uid-run');
  expect(done.calls).toEqual(['run']);
});

test('an executor that says again and again at once that a run goes on is asked once a second', async () => {
  const { runs, clock, calls } = following(running);
  runs.ensure(order);
  await clock.run(10_000);
  expect(calls.length).toBeGreaterThan(5);
  expect(calls.length).toBeLessThan(15);
});
