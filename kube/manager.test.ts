import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Gauge, Registry } from 'prom-client';
import { FakeClock } from '../test/fakes/clock.ts';
import { LeaseServer } from '../test/fakes/lease-server.ts';
import { FakeLogger } from '../test/fakes/logger.ts';
import { Controller } from './controller.ts';
import { LeaderElector, LeaseLostError } from './leader-election.ts';
import { Manager } from './manager.ts';
import type { ManagerOptions } from './manager.ts';
import { createRuntimeMetrics } from './metrics.ts';

/** An operator of one cache, one service and one controller that works on one key until it is told how to end. */
function anOperator(options: Partial<ManagerOptions> = {}) {
  const clock = new FakeClock();
  const logger = new FakeLogger();
  const log: string[] = [];
  let sync = (): void => undefined;
  const whenSynced = new Promise<void>((resolve) => (sync = resolve));
  const cache = {
    name: 'widgets',
    synced: false,
    heartbeatAt: clock.monotonic(),
    start: () => void log.push('cache starts'),
    stop: async () => void log.push('cache stops'),
    whenSynced: async (signal?: AbortSignal) => {
      await Promise.race([
        whenSynced,
        new Promise((_resolve, reject) => signal?.addEventListener('abort', reject)),
      ]);
      cache.synced = true;
    },
  };
  const service = {
    name: 'rest',
    start: async () => void log.push('service starts'),
    stop: async () => void log.push('service stops'),
  };
  const finish: (() => void)[] = [];
  const controller = new Controller({
    name: 'widgets',
    sources: [{ keys: () => ['a'], subscribe: () => () => void log.push('controller stops') }],
    reconcile: async (_key, { signal }) => {
      log.push('reconcile begins');
      await new Promise<void>((resolve) => {
        finish.push(resolve);
        signal.addEventListener('abort', () => {
          resolve();
        });
      });
      log.push(signal.aborted ? 'reconcile is aborted' : 'reconcile ends');
      return {};
    },
    logger,
    clock,
    random: () => 0.5,
  });
  const events = { flush: async () => void log.push('events are flushed') };
  const manager = new Manager({
    caches: [cache],
    controllers: [controller],
    services: [service],
    events,
    logger,
    clock,
    graceMs: 10_000,
    ...options,
  });
  return {
    clock,
    logger,
    log,
    cache,
    finish,
    manager,
    sync: () => {
      sync();
    },
  };
}

function anElection(clock: FakeClock) {
  const server = new LeaseServer();
  const connection = server.connect();
  const elector = new LeaderElector({
    client: connection.client,
    lease: { namespace: 'default', name: 'operator' },
    identity: 'me',
    logger: new FakeLogger(),
    clock,
  });
  return { server, connection, elector };
}

test('parts start in order, and stop in the order that loses nothing', async () => {
  const { manager, log, sync, clock, finish } = anOperator();
  const stop = new AbortController();
  const ran = manager.run(stop.signal);
  await clock.run(0);
  expect(log).toEqual(['cache starts']);
  sync();
  await clock.run(0);
  expect(log).toEqual(['cache starts', 'service starts', 'reconcile begins']);
  log.length = 0;
  stop.abort();
  await clock.run(1_000);
  finish[0]?.();
  await ran;
  expect(log).toEqual([
    'service stops',
    'controller stops',
    'reconcile ends',
    'events are flushed',
    'cache stops',
  ]);
  expect(clock.pending).toBe(0);
});

test('work that does not end is aborted after half of the grace time', async () => {
  const { manager, log, sync, clock } = anOperator();
  sync();
  await manager.start();
  await clock.run(0);
  const stopped = manager.stop();
  await clock.run(5_000);
  await stopped;
  expect(log).toContain('reconcile is aborted');
});

test('a part that hangs does not keep the others from stopping', async () => {
  const hanging = {
    name: 'hanging',
    start: () => Promise.resolve(),
    stop: () => new Promise<void>(() => undefined),
  };
  const { manager, log, sync, clock, logger, finish } = anOperator({ services: [hanging] });
  sync();
  await manager.start();
  await clock.run(0);
  finish[0]?.();
  const stopped = manager.stop();
  await clock.run(10_000);
  await stopped;
  expect(log.at(-1)).toBe('cache stops');
  expect(logger.at('warn')).toContain('stopping took too long, going on without');
});

test('a stop before the caches are synced ends the run without a failure', async () => {
  const { manager, log, clock } = anOperator();
  const stop = new AbortController();
  const ran = manager.run(stop.signal);
  await clock.run(0);
  stop.abort();
  await ran;
  expect(log).toEqual(['cache starts', 'service stops', 'events are flushed', 'cache stops']);
});

test('a stop while a service starts waits for it, stops it, and starts nothing more', async () => {
  const log: string[] = [];
  let serve = (): void => undefined;
  const slow = {
    name: 'slow',
    start: () => new Promise<void>((resolve) => (serve = resolve)),
    stop: async () => void log.push('slow stops'),
  };
  const next = {
    name: 'next',
    start: async () => void log.push('next starts'),
    stop: async () => void log.push('next stops'),
  };
  const operator = anOperator({ services: [slow, next] });
  operator.sync();
  const stop = new AbortController();
  const ran = operator.manager.run(stop.signal);
  await operator.clock.run(0);
  stop.abort();
  await operator.clock.run(1_000);
  expect(log).toEqual([]);
  serve();
  await operator.clock.run(0);
  await ran;
  expect(log).toEqual(['slow stops', 'next stops']);
  expect(operator.log).not.toContain('reconcile begins');
  expect(operator.clock.pending).toBe(0);
});

test('a manager that was stopped does not start', async () => {
  const { manager, log } = anOperator({ http: { port: 0, host: '127.0.0.1' } });
  await manager.stop();
  log.length = 0;
  await expect(manager.start()).rejects.toThrow('aborted');
  expect(log).toEqual([]);
  expect(manager.httpPort).toBeUndefined();
});

test('a service that hangs leaves the controllers time to end their work', async () => {
  const hanging = {
    name: 'hanging',
    start: () => Promise.resolve(),
    stop: () => new Promise<void>(() => undefined),
  };
  const { manager, log, sync, clock } = anOperator({ services: [hanging] });
  sync();
  await manager.start();
  await clock.run(0);
  const stopped = manager.stop();
  await clock.run(10_000);
  await stopped;
  expect(log.slice(-4)).toEqual([
    'controller stops',
    'reconcile is aborted',
    'events are flushed',
    'cache stops',
  ]);
});

test('a part that cannot start fails the run, after the rest has been stopped', async () => {
  const broken = {
    name: 'broken',
    start: () => Promise.reject(new Error('port taken')),
    stop: () => Promise.resolve(),
  };
  const { manager, log, sync } = anOperator({ services: [broken] });
  sync();
  await expect(manager.run(new AbortController().signal)).rejects.toThrow('port taken');
  expect(log.at(-1)).toBe('cache stops');
});

test('controllers wait for the lease, and it is released after they have stopped', async () => {
  const clock = new FakeClock();
  const { server, connection, elector } = anElection(clock);
  const { manager, log, sync, finish } = anOperator({ election: elector, clock });
  connection.network = 'down';
  sync();
  await manager.start();
  await clock.run(5_000);
  expect(log).not.toContain('reconcile begins');
  connection.network = 'up';
  await clock.run(3_000);
  expect(log).toContain('reconcile begins');
  const stopped = manager.stop();
  await clock.run(0);
  expect(server.lease?.spec?.holderIdentity).toBe('me');
  finish[0]?.();
  await stopped;
  expect(server.lease?.spec?.holderIdentity).toBe('');
});

test('a lost lease aborts the work at once, and fails the run', async () => {
  const clock = new FakeClock();
  const { connection, elector } = anElection(clock);
  const { manager, log, sync } = anOperator({ election: elector, clock });
  sync();
  const ran = manager.run(new AbortController().signal);
  const failed = expect(ran).rejects.toThrow(LeaseLostError);
  await clock.run(100);
  connection.network = 'down';
  await clock.run(10_000);
  expect(log).toContain('reconcile is aborted');
  await failed;
  expect(log.at(-1)).toBe('cache stops');
});

test('health, readiness and metrics are served while it runs', async () => {
  const registry = new Registry();
  createRuntimeMetrics(registry);
  const http = { port: 0, host: '127.0.0.1' };
  const { manager, sync, clock, cache } = anOperator({ http, registry });
  const started = manager.start();
  while (manager.httpPort === undefined) await new Promise(setImmediate);
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${String(manager.httpPort)}${path}`);
    return [response.status, await response.text()] as const;
  };
  expect(await get('/healthz')).toEqual([200, 'ok\n']);
  expect(await get('/readyz')).toEqual([503, 'widgets are not listed yet\n']);
  sync();
  await started;
  expect(await get('/readyz?verbose')).toEqual([200, 'ok\n']);
  expect(await get('/metrics')).toEqual([200, expect.stringContaining('workqueue_depth')]);
  expect(await get('/other')).toEqual([404, 'not found\n']);
  clock.advance(5 * 60_000 + 1);
  expect(await get('/healthz')).toEqual([503, 'the watch of widgets hangs\n']);
  cache.heartbeatAt = clock.monotonic();
  expect(await get('/healthz')).toEqual([200, 'ok\n']);
  const stopped = manager.stop();
  await clock.run(10_000);
  await stopped;
  expect(manager.httpPort).toBeUndefined();
});

test('a metric that cannot be collected is an answer of 500, and its reason is in the log', async () => {
  const registry = new Registry();
  const collect = (): void => {
    throw new Error('a bug of ours');
  };
  registry.registerMetric(new Gauge({ name: 'broken', help: 'h', collect, registers: [] }));
  const http = { port: 0, host: '127.0.0.1' };
  const { manager, sync, clock, logger } = anOperator({ http, registry });
  sync();
  await manager.start();
  const response = await fetch(`http://127.0.0.1:${String(manager.httpPort)}/metrics`);
  expect([response.status, await response.text()]).toEqual([
    500,
    'a metric could not be collected\n',
  ]);
  expect(logger.at('error')).toEqual(['a metric could not be collected']);
  const stopped = manager.stop();
  await clock.run(10_000);
  await stopped;
});

test('a taken port fails the start and says so', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as AddressInfo;
  const { manager } = anOperator({ http: { port, host: '127.0.0.1' } });
  await expect(manager.run(new AbortController().signal)).rejects.toThrow('EADDRINUSE');
  taken.close();
});
