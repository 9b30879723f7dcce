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

/** Clients that come when they come, take a sandbox, run a program and go. Resolves when the last has gone. */
export async function openLoop(system: System, arrivals: Arrivals): Promise<Visit[]> {
  const begin = performance.now();
  return Promise.all(
    arrivals.map(async (at) => {
      await delay(Math.max(begin + at - performance.now(), 0));
      return visit(system, { at, since: () => performance.now() - begin - at });
    }),
  );
}

interface Arrival {
  readonly at: number;
  readonly since: () => number;
}

async function visit(system: System, { at, since }: Arrival): Promise<Visit> {
  let live: Live | undefined;
  try {
    live = await system.create();
    const [readyMs, firstResultMs] = await Promise.all([
      live.ready.then(since),
      live.run().then(since),
    ]);
    return { at, readyMs, firstResultMs };
  } catch (error) {
    return { at, error: error instanceof Error ? error.message : String(error) };
  } finally {
    await live?.remove();
  }
}
