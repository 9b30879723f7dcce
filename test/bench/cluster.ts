import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { SANDBOX_TEMPLATES } from '../../crds/sandbox-template.ts';
import { createHttpClient } from '../../kube/http-client.ts';
import { loadKubeConfig } from '../../kube/kube-config.ts';
import { PODS } from '../../kube/pod.ts';
import { machine } from './machine.ts';
import {
  burstOnFullPool,
  coldStarts,
  oneAtATime,
  runsInOne,
  runThroughput,
  steadyArrivals,
  writesOf,
  type Sizes,
} from './phases.ts';
import { AgentSandbox } from './systems/agent-sandbox.ts';
import { BareWrites } from './systems/bare-writes.ts';
import { Ours } from './systems/ours.ts';
import type { System } from './systems/system.ts';

/**
 * Measures Sandbox Control Plane, and beside it its API writes alone and kubernetes-sigs/agent-sandbox with its default and with its recommended flags, on the cluster of test/cluster: the same
 * code, clients, pods and machine for all, in turn. Nothing passes or fails here: every sample goes into a file, of which report.ts makes docs/benchmarks.md.
 */

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '2' },
    systems: { type: 'string', default: 'ours,writes,default,tuned' },
    phases: { type: 'string', default: '' },
    claims: { type: 'string', default: '30' },
    pool: { type: 'string', default: '5' },
    'cold-starts': { type: 'string', default: '10' },
    burst: { type: 'string', default: '100' },
    arrivals: { type: 'string', default: '30' },
    'arrivals-per-second': { type: 'string', default: '0.5' },
    runs: { type: 'string', default: '100' },
    'throughput-seconds': { type: 'string', default: '10' },
    'in-flight': { type: 'string', default: '4' },
    namespace: { type: 'string', default: 'sandboxes' },
    out: { type: 'string', default: 'test/bench/results' },
  },
});

const sizes: Sizes = {
  claims: Number(values.claims),
  pool: Number(values.pool),
  coldStarts: Number(values['cold-starts']),
  burst: Number(values.burst),
  arrivals: Number(values.arrivals),
  arrivalsPerSecond: Number(values['arrivals-per-second']),
  runs: Number(values.runs),
  throughputSeconds: Number(values['throughput-seconds']),
  inFlight: Number(values['in-flight']),
};

/** Of docs/performance-tuning.md in agent-sandbox 1.0.3, "Sustained high-throughput profile". */
const TUNED = [
  '--api-connections=4',
  '--separate-watch-connection=true',
  '--sandbox-concurrent-workers=200',
  '--sandbox-claim-concurrent-workers=150',
  '--sandbox-warm-pool-concurrent-workers=2',
  '--sandbox-warm-pool-replenish-delay=0',
  '--sandbox-warm-pool-max-refill-rate=100',
  '--cache-label-selectors=true',
  '--disable-claim-events=true',
  '--disable-claim-observability-annotations=true',
];

const run = promisify(execFile);
const client = createHttpClient(loadKubeConfig(), { userAgent: 'bench', connections: 128 });

async function openOurs(): Promise<System> {
  const { namespace } = values;
  const baseUrl = process.env['BASE_URL'] ?? '';
  const apiKey = process.env['API_KEY'] ?? '';
  return Ours.open({ client, namespace, baseUrl, apiKey, connections: 128 });
}

async function openAgentSandbox(flags: readonly string[]): Promise<System> {
  await run(path.join(import.meta.dirname, 'agent-sandbox/install'), [...flags]);
  const ref = { namespace: values.namespace, name: 'python-basic' };
  const { image } = (await client.get(SANDBOX_TEMPLATES, ref)).spec;
  const system = await AgentSandbox.open({
    client,
    image,
    flags: flags.join(' '),
    connections: 16,
  });
  return {
    ...proxied(system),
    close: async () => {
      await system.close();
      await run(path.join(import.meta.dirname, 'agent-sandbox/remove'));
    },
  };
}

function proxied(system: System): System {
  return {
    name: system.name,
    facts: system.facts,
    userAgents: system.userAgents,
    setPool: (size) => system.setPool(size),
    poolIsFull: () => system.poolIsFull(),
    create: () => system.create(),
    close: () => system.close(),
  };
}

const SYSTEMS: Readonly<Record<string, () => Promise<System>>> = {
  ours: openOurs,
  writes: () => BareWrites.open(client),
  default: () => openAgentSandbox([]),
  tuned: () => openAgentSandbox(TUNED),
};

/** The interpreter itself: what the name finds may be a script of a version manager, which takes ten times as long. */
const python = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'])
  .toString()
  .trim();

const PHASES: Readonly<Record<string, (system: System) => Promise<unknown>>> = {
  'one at a time': (system) => oneAtATime(system, sizes),
  'cold starts': (system) => coldStarts(system, sizes),
  runs: (system) => runsInOne(system, sizes, () => run(python, ['-c', 'print(1)'])),
  throughput: (system) => runThroughput(system, sizes),
  writes: (system) => writesOf(system, sizes),
  arrivals: (system) => steadyArrivals(system, sizes),
  burst: (system) => burstOnFullPool(system, sizes),
};

interface Measured {
  readonly round: number;
  readonly system: string;
  readonly facts: System['facts'];
  readonly phase: string;
  readonly load: readonly number[];
  readonly result: unknown;
}

/** The end of a hundred pods is work too, and no part of what comes next. */
async function untilPodsAreGone(): Promise<void> {
  for (;;) {
    const { items } = await client.list(PODS);
    if (items.every(({ metadata }) => metadata.deletionTimestamp === undefined)) break;
    await delay(POLL_MS);
  }
  await delay(SETTLE_MS);
}

const POLL_MS = 1_000;
const SETTLE_MS = 5_000;

async function measureAll(name: string, round: number): Promise<Measured[]> {
  const system = await SYSTEMS[name]?.();
  if (system === undefined) throw new Error(`no such system: ${name}`);
  const measured: Measured[] = [];
  try {
    for (const [phase, take] of Object.entries(PHASES)) {
      if (values.phases !== '' && !values.phases.split(',').includes(phase)) continue;
      if (system.phases?.includes(phase) === false) continue;
      await untilPodsAreGone();
      const load = os.loadavg();
      console.log(`round ${String(round)}, ${system.name}: ${phase}`);
      const result = await take(system);
      measured.push({ round, system: system.name, facts: system.facts, phase, load, result });
    }
    await system.setPool(0);
  } finally {
    await system.close();
  }
  return measured;
}

const names = values.systems.split(',');
const measured: Measured[] = [];
const takenAt = new Date().toISOString();
mkdirSync(values.out, { recursive: true });
const file = path.join(values.out, 'cluster.json');
try {
  for (let round = 0; round < Number(values.rounds); round += 1) {
    // Each is the first once, so that none always meets the machine in the same state.
    const turn = round % names.length;
    for (const name of [...names.slice(turn), ...names.slice(0, turn)])
      measured.push(...(await measureAll(name, round)));
    const kept = { takenAt, machine: machine(), sizes, tuned: TUNED, measured };
    writeFileSync(file, `${JSON.stringify(kept, null, 1)}\n`);
  }
  console.log(`every sample: ${file}`);
} finally {
  await client.close();
}
