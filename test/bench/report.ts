import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format } from 'prettier';
import { promisesOf } from './promises.ts';
import {
  readResults,
  resultsOf,
  systemsOf,
  type ClusterFile,
  type Machine,
  type Results,
  type Visit,
} from './results.ts';
import { summarize } from './statistics.ts';
import { table, type Row } from './table.ts';

/** `report.ts [--check]`: docs/benchmarks.md from the raw samples in results/, or whether it is what they make. */

const FOLDER = path.join(import.meta.dirname, 'results');
const FILE = path.resolve(import.meta.dirname, '../../docs/benchmarks.md');

const SUMMARY = ['n', 'failed', 'p50', 'p95', 'p99', 'max'];

function summaryOf(samples: readonly number[], failed: number): Row {
  if (samples.length === 0) return ['0', String(failed), '', '', '', ''];
  const { n, p50, p95, p99, max } = summarize(samples);
  return [String(n), String(failed), ...[p50, p95, p99, max].map((ms) => ms.toFixed(0))];
}

function visitRows(
  cluster: ClusterFile,
  phase: 'one at a time' | 'cold starts' | 'arrivals',
): Row[] {
  return systemsOf(cluster, phase).flatMap((system) => {
    const visits = resultsOf(cluster, system, phase).flat();
    return (['readyMs', 'firstResultMs'] as const).map((what) => [
      system,
      what === 'readyMs' ? 'ready' : 'first result',
      ...summaryOf(timesOf(visits, what), visits.filter(({ error }) => error !== undefined).length),
    ]);
  });
}

function timesOf(visits: readonly Visit[], what: 'readyMs' | 'firstResultMs'): number[] {
  return visits.flatMap((visit) => visit[what] ?? []);
}

function visitTable(cluster: ClusterFile, phase: Parameters<typeof visitRows>[1]): string {
  return table(['system', 'until', ...SUMMARY], visitRows(cluster, phase));
}

function burstTable(cluster: ClusterFile): string {
  const rows = systemsOf(cluster, 'burst').flatMap((system) =>
    resultsOf(cluster, system, 'burst').map(({ visits, allReadyMs, allResultsMs }, round) => [
      system,
      String(round + 1),
      String(visits.length),
      String(visits.filter(({ error }) => error !== undefined).length),
      allReadyMs?.toFixed(0) ?? 'not all',
      allResultsMs?.toFixed(0) ?? 'not all',
    ]),
  );
  const head = ['system', 'round', 'clients', 'failed', 'all ready', 'all have a result'];
  return table(head, rows);
}

function runTable(cluster: ClusterFile): string {
  const rows = systemsOf(cluster, 'runs').flatMap((system) => {
    const results = resultsOf(cluster, system, 'runs');
    const perSecond = resultsOf(cluster, system, 'throughput').map((rate) => rate.toFixed(0));
    const runs = results.flatMap(({ runMs }) => runMs);
    const baseline = results.flatMap(({ baselineMs }) => baselineMs);
    return [
      [system, ...summaryOf(runs, 0), perSecond.join(', ')],
      ['baseline beside it: `python3 -c` on the machine', ...summaryOf(baseline, 0), ''],
    ];
  });
  return table(['system', ...SUMMARY, 'runs per second'], rows);
}

function writeTable(cluster: ClusterFile): string {
  const rows = systemsOf(cluster, 'writes').flatMap((system) => {
    const results = resultsOf(cluster, system, 'writes');
    return (['claim', 'run'] as const).map((what) => {
      const counts = results.flatMap((result) => result[what]);
      const totals = counts.map((count) => Object.values(count).reduce((a, b) => a + b, 0));
      const words = Object.entries(counts[0] ?? {}).map(([key, n]) => `${key} × ${String(n)}`);
      return [
        system,
        what,
        `${String(Math.min(...totals))}–${String(Math.max(...totals))}`,
        words.join(', '),
      ];
    });
  });
  return table(['system', 'of one', 'writes', 'in the first sample'], rows);
}

function scaleTable({ scale }: Results): string {
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
  const rows = scale.costs.map((cost) => [
    String(cost.sandboxes),
    mebibytes(cost.memoryBytes),
    mebibytes(cost.peakMemoryBytes),
    (cost.cpuCores * 1_000).toFixed(0),
    cost.restartMs.toFixed(0),
    cost.fillSeconds.toFixed(0),
  ]);
  const head = [
    'sandboxes',
    'MiB',
    'MiB at most',
    'thousandths of a core',
    'restart to first reconcile, ms',
    'seconds to fill',
  ];
  return table(head, rows);
}

function latenessTable({ scale }: Results): string {
  const rows = scale.late.map(({ sandboxes, kind, milliseconds }) => [
    String(sandboxes),
    kind,
    ...summaryOf(milliseconds, 0),
  ]);
  return table(['beside so many sandboxes', 'deadline', ...SUMMARY], rows);
}

function seriesTable({ measured }: Results['local']): string {
  const rows = measured.map(({ name, milliseconds, failures }) => [
    name,
    ...summaryOf(milliseconds, failures),
  ]);
  return table(['series', ...SUMMARY], rows);
}

function factsOf(cluster: ClusterFile): string {
  return systemsOf(cluster, 'runs')
    .map((system) => {
      const { facts } = cluster.measured.find((one) => one.system === system) ?? { facts: {} };
      const words = Object.entries(facts).map(([name, fact]) => `${name}: ${String(fact)}`);
      return `- **${system}**. ${words.join('; ')}`;
    })
    .join('\n');
}

function machineOf({ cpu, cores, memoryBytes, kernel, node }: Machine): string {
  const memory = `${(memoryBytes / 2 ** 30).toFixed(0)} GiB`;
  return `${cpu}, ${String(cores)} cores, ${memory}, Linux ${kernel}, Node.js ${node}`;
}

function loadOf({ measured }: ClusterFile): string {
  const loads = measured.map(({ load }) => load[0] ?? 0);
  return `${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`;
}

/** As the design has it among what was measured beforehand. */
const PYTHON_THERE_MS = '17.7';

function pythonHere(cluster: ClusterFile): string {
  const all = systemsOf(cluster, 'runs').flatMap((system) => resultsOf(cluster, system, 'runs'));
  return summarize(all.flatMap(({ baselineMs }) => baselineMs)).p50.toFixed(1);
}

function report(results: Results): string {
  const { cluster, coldStart, local, scale, suspend } = results;
  const { sizes } = cluster;
  return `<!-- Made by test/bench/report.ts from the samples in test/bench/results. Do not edit. -->

# Benchmarks

Every sample is in \`test/bench/results\`; percentiles are of all of them, none left out, and a failure is counted as one, never as a time. Times are in milliseconds.
How it is measured, and how to measure it yourself or another system by the same code: [test/bench](../test/bench/README.md).

Machine: ${machineOf(cluster.machine)}. Everything runs on it at once: etcd (without fsync), the control plane of Kubernetes 1.34, the node with all pods, the systems under
test, and the clients. Load in the minute before a phase began: ${loadOf(cluster)}. Taken ${cluster.takenAt.slice(0, 10)} (cold starts beside bare pods ${coldStart.takenAt.slice(0, 10)}, scale ${scale.takenAt.slice(0, 10)}, suspended ${suspend.takenAt.slice(0, 10)}, local ${local.takenAt.slice(0, 10)}).

## What we promise

${promisesOf(results)}

The promises in milliseconds were made on a machine with as many cores on which \`python3 -c\` takes ${PYTHON_THERE_MS} ms; on this one it takes ${pythonHere(cluster)}. They are held against it all the same.

## Beside agent-sandbox

kubernetes-sigs/agent-sandbox 1.0.3 on the same cluster in the same run, system after system, the first one changing with each round. All pods have the same image, limits and requests.
The API writes of ours alone are its physical baseline: what the API server takes for the record of a claim and a run on this machine, with nothing else done.

${factsOf(cluster)}

### A warm claim, one client at a time

${String(sizes['claims'])} a round, each on a full pool of ${String(sizes['pool'])}.

${visitTable(cluster, 'one at a time')}

### A burst of ${String(sizes['burst'])} clients on a full pool of as many

All come at once, a quarter of a minute after the pool is full, when the starts of its last members are over; each keeps its sandbox until the last has its result.

${burstTable(cluster)}

### Clients that come at random

A Poisson process of ${String(sizes['arrivalsPerSecond'])} a second, ${String(sizes['arrivals'])} clients a round, on a pool of ${String(sizes['pool'])} that is filled up meanwhile. They come whether or not those before them were served, and time is counted from when they were to come.

${visitTable(cluster, 'arrivals')}

### Cold starts

With no pool. Clients come at any moment of the second in which a kubelet looks once whether a container has started; ours takes no run before the pod's NetworkPolicy is seen to hold.

${visitTable(cluster, 'cold starts')}

### Runs in a live sandbox

One at a time; then ${String(sizes['inFlight'])} at a time for ${String(sizes['throughputSeconds'])} seconds. Ours goes through the REST API and the operator and leaves a durable record; agent-sandbox is asked by a call to a server in the pod, which starts \`python3\` and keeps nothing.

${runTable(cluster)}

### Writes to the API server

By the client and the system's own programs, leases left out, from the API server's audit log.

${writeTable(cluster)}

## Beside a bare pod

Cold sandboxes and bare pods of the same shape in turn, create to Ready.

${seriesTable(coldStart)}

## Suspended sessions

A run on a suspended session wakes it: a pod, its files out of the object store, then the run. In turn with it, a new session on the same cluster, which had the chart's object store and MariaDB.

${seriesTable(suspend)}

## Many sandboxes

One operator on a real API server, etcd and scheduler, with a node and executors that are played by one process (\`fake-node.ts\`).

${scaleTable(results)}

How late sandboxes that are due are ended, from their deadline until their pod's deletion is seen:

${latenessTable(results)}

## On one machine without Kubernetes

The local control plane on Docker.

${seriesTable(local)}
`;
}

const made = await format(report(readResults(FOLDER)), { parser: 'markdown', printWidth: 160 });
if (!process.argv.includes('--check')) {
  writeFileSync(FILE, made);
} else if (readFileSync(FILE, 'utf8') !== made) {
  console.error('docs/benchmarks.md is not what the samples make: run npm run generate');
  process.exitCode = 1;
}
