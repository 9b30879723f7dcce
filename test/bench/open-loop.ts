import { setTimeout as delay } from 'node:timers/promises';
import type { Arrivals } from './arrivals.ts';
import type { Live, System } from './systems/system.ts';

/** What one client met, in milliseconds since it was to come: that it was let in late counts too. */
export interface Visit {
  readonly at: number;
  readonly readyMs?: number;
  readonly firstResultMs?: number;
  readonly error?: string;
}

export interface OpenLoopOptions {
  /** None leaves before the last was served: what a sandbox's end costs is no part of how long others wait for theirs. */
  readonly leaveTogether?: boolean;
}

/** Clients that come when they come, take a sandbox, run a program and go. Resolves when the last has gone. */
export async function openLoop(
  system: System,
  arrivals: Arrivals,
  { leaveTogether = false }: OpenLoopOptions = {},
): Promise<Visit[]> {
  const begin = performance.now();
  const clients = arrivals.map(async (at) => {
    await delay(Math.max(begin + at - performance.now(), 0));
    return visit(system, { at, since: () => performance.now() - begin - at });
  });
  const allServed = Promise.all(clients);
  return Promise.all(
    clients.map(async (client) => {
      const { met, live } = await client;
      if (leaveTogether) await allServed;
      await live?.remove();
      return met;
    }),
  );
}

interface Arrival {
  readonly at: number;
  readonly since: () => number;
}

/** Never rejects. */
async function visit(system: System, { at, since }: Arrival): Promise<Served> {
  let live: Live | undefined;
  try {
    live = await system.create();
    const [readyMs, firstResultMs] = await Promise.all([
      live.ready.then(since),
      live.run().then(since),
    ]);
    return { met: { at, readyMs, firstResultMs }, live };
  } catch (error) {
    return { met: { at, error: error instanceof Error ? error.message : String(error) }, live };
  }
}

interface Served {
  readonly met: Visit;
  readonly live: Live | undefined;
}
