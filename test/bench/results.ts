import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';

/** What the benchmarks leave in results/, as report.ts reads it. */

const machine = z.object({
  cpu: z.string(),
  cores: z.int(),
  memoryBytes: z.int(),
  kernel: z.string(),
  node: z.string(),
});
export type Machine = z.infer<typeof machine>;

const series = z.object({
  name: z.string(),
  milliseconds: z.array(z.number()),
  failures: z.int(),
});
export type Series = z.infer<typeof series>;

const visit = z.object({
  at: z.number(),
  readyMs: z.number().optional(),
  firstResultMs: z.number().optional(),
  error: z.string().optional(),
});
export type Visit = z.infer<typeof visit>;

const visits = z.array(visit);
const writes = z.array(z.record(z.string(), z.int()));
const PHASES = {
  'one at a time': visits,
  'cold starts': visits,
  arrivals: visits,
  runs: z.object({ runMs: z.array(z.number()), baselineMs: z.array(z.number()) }),
  throughput: z.number(),
  writes: z.object({ claim: writes, run: writes }),
  burst: z.object({
    visits,
    allReadyMs: z.number().optional(),
    allResultsMs: z.number().optional(),
  }),
} as const;
export type Phase = keyof typeof PHASES;
export type ResultOf<P extends Phase> = z.infer<(typeof PHASES)[P]>;

const measured = z.object({
  round: z.int(),
  system: z.string(),
  facts: z.record(z.string(), z.union([z.string(), z.number()])),
  phase: z.enum(Object.keys(PHASES) as [Phase, ...Phase[]]),
  load: z.array(z.number()),
  result: z.unknown(),
});

const clusterFile = z.object({
  takenAt: z.iso.datetime(),
  machine,
  sizes: z.record(z.string(), z.number()),
  tuned: z.array(z.string()),
  measured: z.array(measured),
});
export type ClusterFile = z.infer<typeof clusterFile>;

const seriesFile = z.object({ takenAt: z.iso.datetime(), machine, measured: z.array(series) });

const scaleFile = z.object({
  takenAt: z.iso.datetime(),
  machine,
  costs: z.array(
    z.object({
      sandboxes: z.int(),
      fillSeconds: z.number(),
      memoryBytes: z.int(),
      peakMemoryBytes: z.int(),
      cpuCores: z.number(),
      restartMs: z.number(),
    }),
  ),
  late: z.array(
    z.object({ sandboxes: z.int(), kind: z.string(), milliseconds: z.array(z.number()) }),
  ),
});
export type ScaleFile = z.infer<typeof scaleFile>;

export interface Results {
  readonly cluster: ClusterFile;
  readonly coldStart: z.infer<typeof seriesFile>;
  readonly local: z.infer<typeof seriesFile>;
  readonly suspend: z.infer<typeof seriesFile>;
  readonly scale: ScaleFile;
}

/** Throws a ZodError where a file is not what a benchmark writes. */
export function readResults(folder: string): Results {
  const read = (name: string): unknown => JSON.parse(readFileSync(path.join(folder, name), 'utf8'));
  return {
    cluster: clusterFile.parse(read('cluster.json')),
    coldStart: seriesFile.parse(read('cluster-cold-start.json')),
    local: seriesFile.parse(read('local-docker.json')),
    suspend: seriesFile.parse(read('suspend.json')),
    scale: scaleFile.parse(read('scale.json')),
  };
}

/** What every round of a phase brought for one system. */
export function resultsOf<P extends Phase>(
  { measured: all }: ClusterFile,
  system: string,
  phase: P,
): ResultOf<P>[] {
  return all
    .filter((one) => one.system === system && one.phase === phase)
    .map(({ result }) => PHASES[phase].parse(result) as ResultOf<P>);
}

/** Those that went through a phase. */
export function systemsOf({ measured: all }: ClusterFile, phase: Phase): readonly string[] {
  return [...new Set(all.filter((one) => one.phase === phase).map(({ system }) => system))];
}
