import { FakeClock } from '../test/fakes/clock.ts';
import { LeaseServer } from '../test/fakes/lease-server.ts';
import { FakeLogger } from '../test/fakes/logger.ts';
import { LeaderElector, LeaseLostError } from './leader-election.ts';

const lease = { namespace: 'default', name: 'operator' };

function aStage() {
  const clock = new FakeClock();
  const server = new LeaseServer();
  const candidate = (identity: string) => {
    const connection = server.connect();
    const elector = new LeaderElector({
      client: connection.client,
      lease,
      identity,
      logger: new FakeLogger(),
      clock,
      random: () => 0,
    });
    const stop = new AbortController();
    const acquired = elector.acquire(stop.signal);
    acquired.catch(() => undefined);
    return { elector, connection, stop, acquired };
  };
  const holder = () => server.lease?.spec?.holderIdentity;
  return { clock, server, candidate, holder };
}

test('the first candidate creates the lease, with times of six digits, and leads', async () => {
  const { clock, candidate, server } = aStage();
  const a = candidate('a');
  await a.acquired;
  expect(a.elector.isLeader).toBe(true);
  expect(server.lease).toMatchObject({
    metadata: lease,
    spec: {
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      leaseTransitions: 0,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.000000Z',
    },
  });
  await a.elector.release();
  expect(clock.pending).toBe(0);
});

test('the leader renews every two seconds with one write, and others wait', async () => {
  const { clock, candidate, server, holder } = aStage();
  const a = candidate('a');
  await clock.run(0);
  const b = candidate('b');
  await clock.run(60_000);
  expect(holder()).toBe('a');
  expect(b.elector.isLeader).toBe(false);
  expect(server.writes).toBe(31);
  expect(server.lease?.spec).toMatchObject({
    acquireTime: '2026-01-01T00:00:00.000000Z',
    renewTime: '2026-01-01T00:01:00.000000Z',
  });
  expect(a.elector.lost.aborted).toBe(false);
});

test('of two that race for a free lease one wins', async () => {
  const { clock, candidate, holder } = aStage();
  const both = [candidate('a'), candidate('b')];
  await clock.run(10_000);
  expect(both.filter(({ elector }) => elector.isLeader)).toHaveLength(1);
  expect(['a', 'b']).toContain(holder());
});

test.each(['down', 'hung'] as const)(
  'a leader whose network is %s gives up after 10 s, before the other begins after 15 s',
  async (network) => {
    const { clock, candidate } = aStage();
    const a = candidate('a');
    await clock.run(0);
    const b = candidate('b');
    await clock.run(2_500);
    const start = clock.now();
    a.connection.network = network;
    const times = { lost: 0, taken: 0 };
    a.elector.lost.addEventListener('abort', () => (times.lost = clock.now() - start));
    void b.acquired.then(() => (times.taken = clock.now() - start));
    await clock.run(30_000);
    expect(times.lost).toBe(9_500);
    expect(times.taken).toBeGreaterThan(14_000);
    expect(a.elector.isLeader).toBe(false);
    expect(a.elector.lost.reason).toBeInstanceOf(LeaseLostError);
    expect(b.elector.transitions).toBe(1);
  },
);

test('a short outage costs nobody the lease', async () => {
  const { clock, candidate, holder } = aStage();
  const a = candidate('a');
  await clock.run(0);
  candidate('b');
  for (let round = 0; round < 5; round += 1) {
    a.connection.network = 'down';
    await clock.run(5_000);
    a.connection.network = 'up';
    await clock.run(4_000);
  }
  expect(holder()).toBe('a');
  expect(a.elector.isLeader).toBe(true);
});

test('the clock of the holder is not trusted, be it years ahead or behind', async () => {
  const { clock, candidate, server, holder } = aStage();
  const other = candidate('other');
  await clock.run(0);
  other.connection.network = 'down';
  const spec = {
    ...server.lease?.spec,
    holderIdentity: 'gone',
    renewTime: '2099-01-01T00:00:00.000000Z',
  };
  if (server.lease !== undefined) server.lease = { ...server.lease, spec };
  candidate('a');
  await clock.run(14_000);
  expect(holder()).toBe('gone');
  await clock.run(3_000);
  expect(holder()).toBe('a');
});

test('a released lease is taken over at the next attempt', async () => {
  const { clock, candidate, holder } = aStage();
  const a = candidate('a');
  await clock.run(0);
  const b = candidate('b');
  await clock.run(5_000);
  await a.elector.release();
  expect(holder()).toBe('');
  expect(a.elector.lost.aborted).toBe(false);
  await clock.run(2_000);
  expect(b.elector.isLeader).toBe(true);
});

test('a leader whose lease was taken by force stops at its next renewal', async () => {
  const { clock, candidate, server } = aStage();
  const a = candidate('a');
  await clock.run(0);
  const stolen = { ...server.lease?.spec, holderIdentity: 'thief' };
  if (server.lease !== undefined) {
    const metadata = { ...server.lease.metadata, resourceVersion: 'x' };
    server.lease = { ...server.lease, metadata, spec: stolen };
  }
  await clock.run(2_000);
  expect(a.elector.lost.aborted).toBe(true);
  await a.elector.release();
  expect(server.lease?.spec?.holderIdentity).toBe('thief');
});

test('a lease deleted under its holder is made again', async () => {
  const { clock, candidate, server, holder } = aStage();
  const a = candidate('a');
  await clock.run(0);
  server.lease = undefined;
  await clock.run(6_000);
  expect(holder()).toBe('a');
  expect(a.elector.isLeader).toBe(true);
});

test('a candidate that is told to stop stops waiting', async () => {
  const { clock, candidate } = aStage();
  const a = candidate('a');
  await clock.run(0);
  const b = candidate('b');
  await clock.run(3_000);
  b.stop.abort(new Error('enough'));
  await expect(b.acquired).rejects.toThrow('enough');
  await a.elector.release();
  expect(clock.pending).toBe(0);
});

test('timings that would let two lead are refused', () => {
  const { server } = aStage();
  const { client } = server.connect();
  const timings = { leaseDurationMs: 10_000, renewDeadlineMs: 10_000 };
  const logger = new FakeLogger();
  expect(() => new LeaderElector({ client, lease, identity: 'a', logger, ...timings })).toThrow(
    'must last longer',
  );
});

test('setting back the time of day does not make a leader go on without renewals', async () => {
  const { clock, candidate } = aStage();
  const a = candidate('a');
  await clock.run(0);
  a.connection.network = 'down';
  clock.step(-3_600_000);
  await clock.run(10_000);
  expect(a.elector.lost.aborted).toBe(true);
});

test('one renewal that is never answered leaves time for another', async () => {
  const { clock, candidate, holder } = aStage();
  const a = candidate('a');
  await clock.run(1_000);
  a.connection.network = 'hung';
  await clock.run(2_000);
  a.connection.network = 'up';
  await clock.run(30_000);
  expect(a.elector.lost.aborted).toBe(false);
  expect(holder()).toBe('a');
});

test('a renewal whose answer was lost is no conflict with oneself', async () => {
  const { clock, candidate, holder } = aStage();
  const a = candidate('a');
  await clock.run(1_000);
  a.connection.network = 'mute';
  await clock.run(2_000);
  a.connection.network = 'up';
  await clock.run(30_000);
  expect(a.elector.lost.aborted).toBe(false);
  expect(holder()).toBe('a');
});

test('a release that cuts a renewal short still frees the lease', async () => {
  const { clock, candidate, holder } = aStage();
  const a = candidate('a');
  await clock.run(1_000);
  a.connection.network = 'mute';
  await clock.run(2_000);
  a.connection.network = 'up';
  await a.elector.release();
  expect(holder()).toBe('');
});
