import { setTimeout as delay } from 'node:timers/promises';
import { writesSince, type AuditedWrite } from './api-writes.ts';
import { burst, momentsOfAKubelet, poisson, sameRandom } from './arrivals.ts';
import { openLoop, type Visit } from './open-loop.ts';
import type { Live, System } from './systems/system.ts';

export interface Sizes {
  /** Warm claims one at a time. */
  readonly claims: number;
  readonly pool: number;
  readonly coldStarts: number;
  readonly burst: number;
  readonly arrivals: number;
  readonly arrivalsPerSecond: number;
  readonly runs: number;
  readonly throughputSeconds: number;
  readonly inFlight: number;
}

/** One client at a time, each with a full pool before it. */
export async function oneAtATime(system: System, { claims, pool }: Sizes): Promise<Visit[]> {
  await system.setPool(pool);
  const visits: Visit[] = [];
  for (let n = 0; n < claims; n += 1) {
    await system.poolIsFull();
    await delay(SETTLE_MS);
    visits.push(...(await openLoop(system, burst(1))));
  }
  return visits;
}

/** Without a pool: what a first client pays. */
export async function coldStarts(system: System, { coldStarts: count }: Sizes): Promise<Visit[]> {
  await system.setPool(0);
  const visits: Visit[] = [];
  const untilNext = momentsOfAKubelet();
  for (let n = 0; n < count; n += 1) {
    await delay(SETTLE_MS + untilNext());
    visits.push(...(await openLoop(system, burst(1))));
  }
  return visits;
}

/** What a start leaves behind in a node is no part of the next claim. */
const SETTLE_MS = 500;

/** A member that is ready goes on for a while with what a start is: its probes, its interpreters, and what its runtime tidies up when it first has nothing to do. */
const STARTS_ARE_OVER_MS = 15_000;

export interface BurstResult {
  readonly visits: readonly Visit[];
  readonly allReadyMs: number | undefined;
  readonly allResultsMs: number | undefined;
}

/** As many clients as the full pool holds, all at once; each keeps its sandbox until the last has its result. */
export async function burstOnFullPool(system: System, sizes: Sizes): Promise<BurstResult> {
  await system.setPool(sizes.burst);
  await delay(STARTS_ARE_OVER_MS);
  const visits = await openLoop(system, burst(sizes.burst), { leaveTogether: true });
  return {
    visits,
    allReadyMs: latest(visits.map(({ readyMs }) => readyMs)),
    allResultsMs: latest(visits.map(({ firstResultMs }) => firstResultMs)),
  };
}

/** Undefined if one is missing: then not all came. */
function latest(times: readonly (number | undefined)[]): number | undefined {
  return times.includes(undefined) ? undefined : Math.max(...times.map((time) => time ?? 0));
}

/** Clients that come at random times, on average so many a second. */
export async function steadyArrivals(system: System, sizes: Sizes): Promise<Visit[]> {
  await system.setPool(sizes.pool);
  await delay(SETTLE_MS);
  return openLoop(system, poisson(sizes.arrivals, sizes.arrivalsPerSecond, sameRandom()));
}

export interface RunResult {
  readonly runMs: readonly number[];
  readonly baselineMs: readonly number[];
}

/** Runs in one live sandbox, each followed by a baseline of the machine. */
export async function runsInOne(
  system: System,
  { runs }: Sizes,
  baseline: () => Promise<unknown>,
): Promise<RunResult> {
  return withLive(system, async (live) => {
    const runMs: number[] = [];
    const baselineMs: number[] = [];
    for (let n = 0; n < runs; n += 1) {
      runMs.push(await timed(() => live.run()));
      baselineMs.push(await timed(baseline));
      await delay(RUN_PAUSE_MS);
    }
    return { runMs, baselineMs };
  });
}

/** A run is followed by the boot of the next interpreter: no sample shall pay for the one before it. */
const RUN_PAUSE_MS = 100;

async function timed(once: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await once();
  return performance.now() - begin;
}

/** How many runs a second one live sandbox gives, with so many asked for at a time. */
export async function runThroughput(system: System, sizes: Sizes): Promise<number> {
  return withLive(system, async (live) => {
    const end = performance.now() + sizes.throughputSeconds * 1_000;
    let done = 0;
    const client = async (): Promise<void> => {
      while (performance.now() < end) {
        await live.run();
        done += 1;
      }
    };
    await Promise.all(Array.from({ length: sizes.inFlight }, client));
    return done / sizes.throughputSeconds;
  });
}

async function withLive<T>(system: System, use: (live: Live) => Promise<T>): Promise<T> {
  const live = await system.create();
  try {
    await live.ready;
    await live.run();
    return await use(live);
  } finally {
    await live.remove();
  }
}

/** Writes to the API server by who made them and what they were about. */
export type Writes = Readonly<Record<string, number>>;

export interface WriteResult {
  /** To the objects of one sandbox, from its creation until it is left alone; by the system and its client. */
  readonly claim: readonly Writes[];
  /** Of one run more. */
  readonly run: readonly Writes[];
}

/** A claim and a run, with all quiet before and after each. */
export async function writesOf(system: System, { pool }: Sizes): Promise<WriteResult> {
  await system.setPool(pool);
  const claim: Writes[] = [];
  const run: Writes[] = [];
  for (let n = 0; n < WRITE_SAMPLES; n += 1) {
    await system.poolIsFull();
    await delay(QUIET_MS);
    const begin = new Date();
    const live = await system.create();
    await live.ready;
    await delay(QUIET_MS);
    claim.push(await count(system, begin, (name) => isOneOf(live.objects(), name)));
    await system.poolIsFull();
    await delay(QUIET_MS);
    const beforeRun = new Date();
    await live.run();
    await delay(QUIET_MS);
    run.push(await count(system, beforeRun, () => true));
    await live.remove();
  }
  return { claim, run };
}

const WRITE_SAMPLES = 5;
const QUIET_MS = 2_000;

/** An Event is called like its object, with something behind it. */
function isOneOf(objects: readonly string[], name: string): boolean {
  return objects.some((object) => name === object || name.startsWith(`${object}.`));
}

async function count(
  system: System,
  since: Date,
  concerns: (name: string) => boolean,
): Promise<Writes> {
  const counts: Record<string, number> = {};
  for (const write of await writesSince(since)) {
    const by = authorOf(system, write);
    const name = write.objectRef?.name;
    // A creation that the server names is told by its author alone.
    if (by === undefined || (name !== undefined && !concerns(name))) continue;
    const key = `${by}: ${write.verb} ${resourceOf(write)}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/** Undefined: neither the system nor its client. */
function authorOf(system: System, { userAgent }: AuditedWrite): 'client' | 'system' | undefined {
  if (userAgent.startsWith('bench')) return 'client';
  return system.userAgents.some((agent) => userAgent.startsWith(agent)) ? 'system' : undefined;
}

function resourceOf({ objectRef }: AuditedWrite): string {
  const { resource, subresource } = objectRef ?? { resource: '' };
  return subresource === undefined ? resource : `${resource}/${subresource}`;
}
