import { aWidget, WIDGETS } from '../test/builders/widget.ts';
import type { Widget } from '../test/builders/widget.ts';
import { FakeClock } from '../test/fakes/clock.ts';
import { FakeLogger } from '../test/fakes/logger.ts';
import { ScriptedClient } from '../test/fakes/scripted-client.ts';
import { GoneError, NotFoundError, TooManyRequestsError, UnavailableError } from './errors.ts';
import { ListWatch } from './list-watch.ts';
import type { KubeList } from './objects.ts';

const status = (code: number) => ({ code, reason: 'R', message: 'm' });
const page = (resourceVersion: string, ...items: Widget[]): KubeList<Widget> => ({
  items,
  metadata: { resourceVersion },
});
const reset = new UnavailableError(status(0), { retryable: true });

const running = new Set<AbortController>();
afterEach(() => {
  for (const stop of running) stop.abort();
  running.clear();
});

async function mirror(script: ScriptedClient, random = 0) {
  const clock = new FakeClock();
  const logger = new FakeLogger();
  const heard: string[] = [];
  const prepared: string[] = [];
  const sink = {
    prepare: (widget: Widget) => {
      prepared.push(widget.metadata.name);
      return widget;
    },
    replace: (items: readonly Widget[]) => {
      heard.push(`list ${items.map((item) => item.metadata.name).join(' ')}`.trim());
    },
    apply: ({ type, object }: { type: string; object: Widget }) => {
      heard.push(`${type} ${object.metadata.name}`);
    },
  };
  const listWatch = new ListWatch<Widget>(
    {
      client: script.client,
      selection: { type: WIDGETS, namespace: 'default', labelSelector: 'a=b' },
      clock,
      random: () => random,
      logger,
      metrics: undefined,
      pageSize: 2,
      idleTimeoutMs: 90_000,
      backoff: { baseMs: 200, maxMs: 30_000 },
    },
    sink,
  );
  const stop = new AbortController();
  running.add(stop);
  const ended = listWatch.run(stop.signal);
  await clock.run(0);
  return { clock, logger, heard, prepared, stop, ended, listWatch, sink };
}

const versions = (script: ScriptedClient) =>
  script.watches.map((watch) => watch.options.resourceVersion);

test('it lists, then watches from the version of the list, and passes on what it hears', async () => {
  const script = new ScriptedClient(page('10', aWidget({ name: 'a' })));
  const { heard, clock } = await mirror(script);
  script.watch.send(
    { type: 'ADDED', object: aWidget({ name: 'b', resourceVersion: '11' }) },
    { type: 'DELETED', object: aWidget({ name: 'a', resourceVersion: '12' }) },
  );
  await clock.run(0);
  expect(heard).toEqual(['list a', 'ADDED b', 'DELETED a']);
  expect(versions(script)).toEqual(['10']);
  expect(script.watch.options).toMatchObject({ namespace: 'default', labelSelector: 'a=b' });
});

test('it has each object cut down as its page arrives, not when the list is whole', async () => {
  const first = page('10', aWidget({ name: 'a' }), aWidget({ name: 'b' }));
  const script = new ScriptedClient(
    { ...first, metadata: { ...first.metadata, continue: 'next' } },
    reset,
  );
  const { heard, prepared } = await mirror(script);
  expect(script.lists).toHaveLength(2);
  expect({ heard, prepared }).toEqual({ heard: [], prepared: ['a', 'b'] });
});

test('it reads a list page by page and reports it whole', async () => {
  const first = page('10', aWidget({ name: 'a' }), aWidget({ name: 'b' }));
  const script = new ScriptedClient(
    { ...first, metadata: { ...first.metadata, continue: 'next' } },
    page('10', aWidget({ name: 'c' })),
  );
  const { heard } = await mirror(script);
  expect(heard).toEqual(['list a b c']);
  expect(script.lists.map(({ limit, continue: token }) => [limit, token])).toEqual([
    [2, undefined],
    [2, 'next'],
  ]);
});

test('when the continue token expires, it reads the rest as one page', async () => {
  const first = page('10', aWidget({ name: 'a' }), aWidget({ name: 'b' }));
  const script = new ScriptedClient(
    { ...first, metadata: { ...first.metadata, continue: 'next' } },
    new GoneError(status(410)),
    page('20', aWidget({ name: 'c' })),
  );
  const { heard } = await mirror(script);
  expect(heard).toEqual(['list c']);
  expect(script.lists[2]?.limit).toBeUndefined();
  expect(versions(script)).toEqual(['20']);
});

test.each([
  [0, 300],
  [0.999, 599],
])('a watch asks for 5 to 10 minutes at random (%d)', async (random, seconds) => {
  const script = new ScriptedClient(page('10'));
  await mirror(script, random);
  expect(script.watch.options.timeoutSeconds).toBe(seconds);
});

test('clean closes of a quiet watch reconnect at once, however many, from the last bookmark', async () => {
  const script = new ScriptedClient(page('10'));
  const { clock } = await mirror(script);
  for (let version = 11; version < 16; version += 1) {
    await clock.run(60_000);
    script.watch.send({ type: 'BOOKMARK', resourceVersion: String(version) }).close();
    await clock.run(0);
  }
  expect(versions(script)).toEqual(['10', '11', '12', '13', '14', '15']);
});

test('a quiet watch without a bookmark reconnects at once too, when it lived for a while', async () => {
  const script = new ScriptedClient(page('10'));
  const { clock } = await mirror(script);
  await clock.run(5_000);
  script.watch.close();
  await clock.run(0);
  expect(versions(script)).toEqual(['10', '10']);
});

test('a server that closes every watch at once is not hammered', async () => {
  const script = new ScriptedClient(page('10'));
  const { clock } = await mirror(script);
  const waits = [];
  for (let round = 0; round < 4; round += 1) {
    const count = script.watches.length;
    const closedAt = clock.now();
    script.watch.close();
    while (script.watches.length === count) await clock.run(50);
    waits.push(clock.now() - closedAt);
  }
  expect(waits).toEqual([200, 400, 800, 1_600]);
});

test('a reset watch goes on from the last version heard, after a short wait', async () => {
  const script = new ScriptedClient(page('10'));
  const { clock, heard } = await mirror(script);
  script.watch.send({ type: 'MODIFIED', object: aWidget({ name: 'a', resourceVersion: '11' }) });
  script.watch.fail(reset);
  await clock.run(199);
  expect(versions(script)).toEqual(['10']);
  await clock.run(1);
  expect(versions(script)).toEqual(['10', '11']);
  expect(heard).toEqual(['list', 'MODIFIED a']);
});

test('delays grow while every watch fails at once, and start small again after a healthy one', async () => {
  const script = new ScriptedClient(page('10'));
  const { clock, logger } = await mirror(script);
  for (const healthy of [false, false, false, true, false]) {
    if (healthy) script.watch.send({ type: 'BOOKMARK', resourceVersion: '11' });
    script.watch.fail(reset);
    const count = script.watches.length;
    while (script.watches.length === count) await clock.run(100);
  }
  const delays = logger.lines.map((line) => line.fields['delayMs']);
  expect(delays).toEqual([200, 400, 800, 200, 400]);
});

test('delays grow too while every watch fails only after a while, as when connections time out', async () => {
  const script = new ScriptedClient(page('10'));
  const { clock, logger } = await mirror(script);
  for (let round = 0; round < 4; round += 1) {
    await clock.run(10_000);
    script.watch.fail(reset);
    const count = script.watches.length;
    while (script.watches.length === count) await clock.run(100);
  }
  const delays = logger.lines.map((line) => line.fields['delayMs']);
  expect(delays).toEqual([200, 400, 800, 1_600]);
});

test('a silent connection is cut and the watch begun anew', async () => {
  const script = new ScriptedClient(page('10'));
  const { clock, logger } = await mirror(script);
  await clock.run(60_000);
  script.watch.send({ type: 'BOOKMARK', resourceVersion: '11' });
  await clock.run(89_999);
  expect(script.watches).toHaveLength(1);
  await clock.run(1);
  expect(script.watches[0]?.options.signal.aborted).toBe(true);
  await clock.run(200);
  expect(versions(script)).toEqual(['10', '11']);
  expect(logger.lines[0]?.fields).toMatchObject({ cause: 'silent' });
});

test.each([
  [
    'refused',
    (script: ScriptedClient) => {
      script.watch.fail(new GoneError(status(410)));
    },
  ],
  [
    'ended by an ERROR event',
    (script: ScriptedClient) => {
      script.watch.send({ type: 'BOOKMARK', resourceVersion: '11' });
      script.watch.fail(new GoneError(status(410)));
    },
  ],
])('a watch whose version is too old, %s, lists again', async (_name, fail) => {
  const script = new ScriptedClient(page('10'), page('50', aWidget({ name: 'z' })));
  const { clock, heard } = await mirror(script);
  fail(script);
  await clock.run(200);
  expect(heard).toEqual(['list', 'list z']);
  expect(versions(script)).toEqual(['10', '50']);
});

test('a server that calls every version too old is not hammered with lists', async () => {
  const script = new ScriptedClient(page('10'));
  const { clock } = await mirror(script);
  for (let round = 0; round < 20; round += 1) {
    script.watch.fail(new GoneError(status(410)));
    await clock.run(1_000);
  }
  expect(script.lists.length).toBeLessThan(8);
});

test.each([
  ['throttled', new TooManyRequestsError(status(429), { retryAfterMs: 7_000 }), 7_000],
  ['overloaded', new UnavailableError(status(503), { retryAfterMs: 3_000 }), 3_000],
  ['told to wait for ever', new UnavailableError(status(503), { retryAfterMs: 1e9 }), 120_000],
  ['failing', new UnavailableError(status(500)), 200],
  ['without the kind yet', new NotFoundError(status(404)), 200],
  ['hit by a bug', new TypeError('bug'), 200],
])('a list that is %s is tried again', async (_name, error, delay) => {
  const script = new ScriptedClient(error, page('10'));
  const { clock } = await mirror(script);
  await clock.run(delay - 1);
  expect(script.lists).toHaveLength(1);
  await clock.run(1);
  expect(script.lists).toHaveLength(2);
  expect(script.watches).toHaveLength(1);
});

test('an API server that is away for an hour is asked ever more rarely, and listed when it is back', async () => {
  const script = new ScriptedClient(page('10'));
  const { clock, heard, logger } = await mirror(script);
  const back = clock.now() + 60 * 60_000;
  while (clock.now() < back) {
    script.watch.fail(reset);
    const tries = script.watches.length + script.lists.length;
    while (script.watches.length + script.lists.length === tries) await clock.run(1_000);
  }
  expect(heard.length).toBeGreaterThan(1);
  expect(logger.lines.length).toBeLessThan(130);
});

test('a sink that throws does not stop the mirror', async () => {
  const script = new ScriptedClient(page('10'));
  const { clock, heard, logger, sink } = await mirror(script);
  const { apply } = sink;
  sink.apply = (event) => {
    apply(event);
    throw new Error('bug');
  };
  script.watch.send(
    { type: 'ADDED', object: aWidget({ name: 'a' }) },
    { type: 'ADDED', object: aWidget({ name: 'b' }) },
  );
  await clock.run(0);
  expect(heard).toEqual(['list', 'ADDED a', 'ADDED b']);
  expect(logger.at('error')).toHaveLength(2);
  expect(script.watches).toHaveLength(1);
});

test('it ends when told to, in the middle of a watch and in the middle of a wait, and leaves no timer', async () => {
  const script = new ScriptedClient(page('10'));
  const watching = await mirror(script);
  watching.stop.abort();
  await watching.ended;
  expect(script.watch.options.signal.aborted).toBe(true);
  expect(watching.clock.pending).toBe(0);
  expect(watching.logger.lines).toEqual([]);

  const waiting = await mirror(new ScriptedClient(reset));
  waiting.stop.abort();
  await waiting.ended;
  expect(waiting.clock.pending).toBe(0);
});

test('the heartbeat is fresh while the server fails, and old only when the loop itself hangs', async () => {
  const script = new ScriptedClient(reset);
  const { clock, listWatch } = await mirror(script);
  await clock.run(10 * 60_000);
  expect(clock.now() - listWatch.heartbeatAt).toBeLessThanOrEqual(30_000);
});
