import { Registry } from 'prom-client';
import { aWidget, WIDGETS } from '../test/builders/widget.ts';
import type { Widget } from '../test/builders/widget.ts';
import { FakeClock } from '../test/fakes/clock.ts';
import { FakeLogger } from '../test/fakes/logger.ts';
import { ScriptedClient } from '../test/fakes/scripted-client.ts';
import { Controller } from './controller.ts';
import type { ControllerOptions } from './controller.ts';
import { ConflictError, TooManyRequestsError } from './errors.ts';
import { createRuntimeMetrics } from './metrics.ts';
import { ObjectCache } from './object-cache.ts';
import { TerminalError } from './reconciler.ts';
import type { Reconcile, ReconcileContext, ReconcileResult } from './reconciler.ts';
import { self, watches } from './sources.ts';

/** A reconcile in the hands of a test. */
interface Run extends ReconcileContext {
  readonly key: string;
  finish(result?: ReconcileResult): void;
  fail(error: Error): void;
}

function aController(options: Partial<ControllerOptions> = {}) {
  const clock = new FakeClock();
  const logger = new FakeLogger();
  const { client } = new ScriptedClient();
  const cache = new ObjectCache<Widget>({ client, type: WIDGETS, logger, clock });
  const runs: Run[] = [];
  const reconcile: Reconcile = (key, context) =>
    new Promise((resolve, reject) => {
      const finish = (result: ReconcileResult = {}): void => {
        resolve(result);
      };
      runs.push({ key, ...context, finish, fail: reject });
    });
  const controller = new Controller({
    name: 'widgets',
    sources: [watches(cache, self)],
    reconcile,
    logger,
    clock,
    random: () => 0.5,
    backoff: { baseMs: 100, maxMs: 1_000 },
    ...options,
  });
  const keys = () => runs.map((run) => run.key);
  const last = (): Run => {
    const run = runs.at(-1);
    if (run === undefined) throw new Error('nothing runs');
    return run;
  };
  return { clock, logger, cache, controller, runs, keys, last };
}

const changed = (name: string, version: string) =>
  ({ type: 'MODIFIED', object: aWidget({ name, resourceVersion: version }) }) as const;

test('a change is worked on in a microtask, with no timer between', async () => {
  const { cache, controller, keys, clock } = aController();
  cache.replace([]);
  controller.start();
  await Promise.resolve();
  const timers = clock.pending;
  cache.apply(changed('a', '2'));
  expect(clock.pending).toBe(timers);
  await Promise.resolve();
  expect(keys()).toEqual(['default/a']);
});

test('everything there is is looked at after the start, but fresh changes first', async () => {
  const { cache, controller, runs, clock } = aController();
  cache.replace(['a', 'b', 'c'].map((name) => aWidget({ name })));
  controller.start();
  cache.apply(changed('c', '2'));
  for (let round = 0; round < 3; round += 1) {
    await clock.run(0);
    runs[round]?.finish();
  }
  expect(runs.map((run) => run.key)).toEqual(['default/c', 'default/a', 'default/b']);
});

test('up to `concurrency` keys are worked on at a time, and never one key twice', async () => {
  const { cache, controller, runs, keys, clock } = aController({ concurrency: 2 });
  cache.replace(['a', 'b', 'c'].map((name) => aWidget({ name })));
  controller.start();
  await clock.run(0);
  expect(keys()).toEqual(['default/a', 'default/b']);
  cache.apply(changed('a', '2'));
  runs[1]?.finish();
  await clock.run(0);
  expect(keys()).toEqual(['default/a', 'default/b', 'default/c']);
  runs[0]?.finish();
  await clock.run(0);
  expect(keys().at(-1)).toBe('default/a');
});

test('a delay is waited for, and a change in between comes first', async () => {
  const { controller, keys, clock, last } = aController();
  controller.start();
  controller.enqueue('default/a');
  await clock.run(0);
  last().finish({ requeueAfterMs: 5_000 });
  await clock.run(4_999);
  expect(keys()).toHaveLength(1);
  await clock.run(1);
  expect(keys()).toHaveLength(2);
  last().finish({ requeueAfterMs: 5_000 });
  await clock.run(10);
  controller.enqueue('default/a');
  await clock.run(0);
  expect(keys()).toHaveLength(3);
});

test('a failure is retried ever later, and forgotten after a success', async () => {
  const { controller, keys, clock, last, logger } = aController();
  controller.start();
  controller.enqueue('default/a');
  await clock.run(0);
  for (const delay of [75, 150, 300]) {
    last().fail(new Error('down'));
    await clock.run(0);
    const count = keys().length;
    await clock.run(delay - 1);
    expect(keys()).toHaveLength(count);
    await clock.run(1);
    expect(keys()).toHaveLength(count + 1);
  }
  last().finish();
  await clock.run(0);
  controller.enqueue('default/a');
  await clock.run(0);
  last().fail(new Error('down'));
  await clock.run(0);
  const delays = logger.lines.map((line) => line.fields['retryInMs']);
  expect(delays).toEqual([75, 150, 300, 75]);
  expect(logger.lines[0]).toMatchObject({
    level: 'error',
    fields: { controller: 'widgets', key: 'default/a', error: new Error('down') },
  });
});

test('a throttled reconcile waits as long as it was told', async () => {
  const { controller, keys, clock, last } = aController();
  controller.start();
  controller.enqueue('default/a');
  await clock.run(0);
  const status = { code: 429, reason: 'TooManyRequests', message: 'slow down' };
  last().fail(new TooManyRequestsError(status, { retryAfterMs: 9_000 }));
  await clock.run(8_999);
  expect(keys()).toHaveLength(1);
  await clock.run(1);
  expect(keys()).toHaveLength(2);
});

test('a conflict is retried without alarming anyone, a terminal error is told and left', async () => {
  const { controller, keys, clock, last, logger } = aController();
  controller.start();
  controller.enqueue('default/a');
  await clock.run(0);
  last().fail(new ConflictError({ code: 409, reason: 'Conflict', message: 'stale' }));
  await clock.run(75);
  expect(logger.at('error')).toEqual([]);
  last().fail(new TerminalError('never'));
  await clock.run(60_000);
  expect(keys()).toHaveLength(2);
  expect(logger.at('error')).toEqual(['reconcile failed for good']);
});

test('each reconcile has an id of its own in its logger', async () => {
  const { controller, clock, last, logger } = aController();
  controller.start();
  for (const key of ['a', 'b']) {
    controller.enqueue(key);
    await clock.run(0);
    last().logger.info('here');
    last().finish();
    await clock.run(0);
  }
  expect(new Set(logger.lines.map((line) => line.fields['reconcileId'])).size).toBe(2);
});

test('a reconcile that takes too long is told to abort, and retried', async () => {
  const { controller, clock, last, keys } = aController({ timeoutMs: 1_000 });
  controller.start();
  controller.enqueue('default/a');
  await clock.run(1_000);
  const { signal } = last();
  expect(signal.reason).toMatchObject({ code: 'ReconcileTimeout' });
  last().fail(new Error('aborted'));
  await clock.run(75);
  expect(keys()).toHaveLength(2);
});

test('everything is looked at again about every resync period', async () => {
  const { cache, controller, keys, clock, last } = aController({ resyncMs: 1_000 });
  cache.replace([aWidget()]);
  controller.start();
  for (let round = 0; round < 3; round += 1) {
    await clock.run(0);
    last().finish();
    await clock.run(1_000);
  }
  expect(keys()).toHaveLength(4);
});

test('stopping takes in nothing more and waits for what is running', async () => {
  const { cache, controller, keys, clock, last } = aController();
  cache.replace([]);
  controller.start();
  controller.enqueue('a');
  controller.enqueue('b');
  await clock.run(0);
  let stopped = false;
  const stop = controller.stop(5_000).then(() => (stopped = true));
  cache.apply(changed('c', '2'));
  await clock.run(4_000);
  expect(stopped).toBe(false);
  expect(last().signal.aborted).toBe(false);
  last().finish({ requeueAfterMs: 1 });
  await stop;
  await clock.run(60_000);
  expect(keys()).toEqual(['a']);
  expect(clock.pending).toBe(0);
});

test('stopping aborts what does not end within the grace time, and does not retry it', async () => {
  const { controller, keys, clock, last, logger } = aController();
  controller.start();
  controller.enqueue('a');
  await clock.run(0);
  const stop = controller.stop(5_000);
  await clock.run(5_000);
  expect(last().signal.aborted).toBe(true);
  last().fail(new Error('aborted'));
  await stop;
  expect(keys()).toEqual(['a']);
  expect(logger.lines).toEqual([]);
});

test('a lost lease aborts at once and begins nothing more', async () => {
  const { controller, keys, clock, last } = aController();
  controller.start();
  controller.enqueue('a');
  controller.enqueue('b');
  await clock.run(0);
  controller.abort(new Error('lost'));
  expect(last().signal.reason).toEqual(new Error('lost'));
  last().finish();
  await clock.run(60_000);
  expect(keys()).toEqual(['a']);
});

test('a key in the queue before the start waits for it', async () => {
  const { controller, keys, clock } = aController();
  controller.enqueue('a');
  await clock.run(0);
  expect(keys()).toEqual([]);
  controller.start();
  await clock.run(0);
  expect(keys()).toEqual(['a']);
});

test('metrics tell results, depth and work in progress', async () => {
  const registry = new Registry();
  const metrics = createRuntimeMetrics(registry);
  const { controller, clock, last } = aController({ metrics });
  controller.start();
  controller.enqueue('a');
  controller.enqueue('b');
  await clock.run(0);
  const during = await registry.metrics();
  expect(during).toContain('controller_runtime_active_workers{controller="widgets"} 1');
  expect(during).toContain('workqueue_depth{name="widgets"} 1');
  last().finish();
  await clock.run(0);
  last().fail(new Error('down'));
  await clock.run(0);
  const after = await registry.metrics();
  for (const line of [
    'controller_runtime_reconcile_total{controller="widgets",result="success"} 1',
    'controller_runtime_reconcile_total{controller="widgets",result="error"} 1',
    'controller_runtime_active_workers{controller="widgets"} 0',
    'workqueue_depth{name="widgets"} 0',
    'workqueue_adds_total{name="widgets"} 3',
    'workqueue_retries_total{name="widgets"} 1',
  ]) {
    expect(after).toContain(line);
  }
});
