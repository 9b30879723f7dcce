import { resultsOf, type ClusterFile, type Results } from './results.ts';
import { summarize } from './statistics.ts';
import { table, type Row } from './table.ts';

/** The promises of the design, each beside what was measured and the physical baseline where there is one. */
export function promisesOf(results: Results): string {
  const rows = [warmClaim, run, writes, burst, coldStart, lateness, many].map((row) =>
    row(results),
  );
  return table(['promise', 'value', 'measured', 'baseline', 'kept'], rows);
}

const OURS = 'Sandbox Control Plane';
const WRITES = 'the API writes of ours alone';
const kept = (holds: boolean): string => (holds ? 'yes' : '**no**');
const ms = (value: number): string => `${value.toFixed(0)} ms`;

function warmClaim({ cluster }: Results): Row {
  const visits = resultsOf(cluster, OURS, 'one at a time').flat();
  const { p50, p99 } = summarize(firstResults(cluster, OURS));
  const bare = summarize(firstResults(cluster, WRITES)).p50;
  const holds = p50 <= 60 && p99 <= 200 && visits.every(({ error }) => error === undefined);
  const measured = `p50 ${ms(p50)}, p99 ${ms(p99)}`;
  return [
    'create on a warm template -> first result, one at a time',
    'p50 ≤ 60 ms, p99 ≤ 200 ms',
    measured,
    `its 5 API writes alone: p50 ${ms(bare)}`,
    kept(holds),
  ];
}

function firstResults(cluster: ClusterFile, system: string): number[] {
  const visits = resultsOf(cluster, system, 'one at a time').flat();
  return visits.flatMap(({ firstResultMs }) => firstResultMs ?? []);
}

function run({ cluster }: Results): Row {
  const results = resultsOf(cluster, OURS, 'runs');
  const { p50 } = summarize(results.flatMap(({ runMs }) => runMs));
  const bare = summarize(results.flatMap(({ baselineMs }) => baselineMs)).p50;
  const alone = resultsOf(cluster, WRITES, 'runs').flatMap(({ runMs }) => runMs);
  const writesAlone = summarize(alone).p50;
  return [
    'trivial Python handler in a live session, REST to REST, durable record included',
    'p50 ≤ 15 ms, and below `python3 -c`',
    `p50 ${p50.toFixed(1)} ms`,
    `\`python3 -c\`: p50 ${bare.toFixed(1)} ms; its 2 API writes alone: p50 ${writesAlone.toFixed(1)} ms`,
    p50 <= 15 && p50 < bare ? 'yes' : `${kept(p50 <= 15)} / ${kept(p50 < bare)}`,
  ];
}

function writes({ cluster }: Results): Row {
  const results = resultsOf(cluster, OURS, 'writes');
  const most = (what: 'claim' | 'run'): number =>
    Math.max(
      ...results.flatMap((result) =>
        result[what].map((counts) => Object.values(counts).reduce((a, b) => a + b, 0)),
      ),
    );
  const measured = `${String(most('claim'))} / ${String(most('run'))}`;
  const holds = most('claim') <= 3 && most('run') <= 2;
  return [
    'API writes per warm claim / per run, the create included',
    '3 / 2',
    `at most ${measured}`,
    '',
    kept(holds),
  ];
}

function burst({ cluster }: Results): Row {
  const results = resultsOf(cluster, OURS, 'burst');
  const times = allReady(cluster, OURS);
  const failed = results.flatMap(({ visits }) => visits.filter(({ error }) => error !== undefined));
  const clients = results[0]?.visits.length ?? 0;
  const measured = `${times.map(ms).join(', ')}; ${String(failed.length)} failed`;
  const holds = times.every((time) => time <= 1_000) && failed.length === 0 && clients >= 100;
  return [
    `burst of ${String(clients)} creates on a full pool`,
    'all ready within 1 s, none failed',
    measured,
    `their ${String(3 * clients)} API writes alone: ${allReady(cluster, WRITES).map(ms).join(', ')}`,
    kept(holds),
  ];
}

function allReady(cluster: ClusterFile, system: string): number[] {
  return resultsOf(cluster, system, 'burst').map(({ allReadyMs }) => allReadyMs ?? Infinity);
}

function coldStart({ coldStart: { measured } }: Results): Row {
  const [bare = NaN, cold = NaN] = measured.map(({ milliseconds }) => summarize(milliseconds).p50);
  const ratio = cold / bare;
  return [
    'cold create -> Ready',
    '≤ 1.2 × a bare pod',
    `${ratio.toFixed(2)} × (${ms(cold)})`,
    `bare pod: p50 ${ms(bare)}`,
    kept(ratio <= 1.2),
  ];
}

function lateness({ scale }: Results): Row {
  const latest = (pace: string): number =>
    Math.max(
      ...scale.late
        .filter(({ kind }) => kind.endsWith(pace))
        .flatMap(({ milliseconds }) => milliseconds),
    );
  const [paced, herd] = [latest('five a second'), latest('all at once')];
  return [
    'idle or lifetime deadline -> pod deletion',
    '≤ 1 s late',
    `at most ${ms(paced)} where five are due a second, ${ms(herd)} where 100 are due at once`,
    '',
    `${kept(paced <= 1_000)} / ${kept(herd <= 1_000)}`,
  ];
}

function many({ scale }: Results): Row {
  const { sandboxes = 0, memoryBytes = NaN, restartMs = NaN } = scale.costs.at(-1) ?? {};
  const megabytes = memoryBytes / 1e6;
  const measured = `${megabytes.toFixed(0)} MB, ${(restartMs / 1_000).toFixed(1)} s`;
  const holds = sandboxes >= 10_000 && megabytes <= 300 && restartMs <= 5_000;
  return [
    `${String(sandboxes)} sandboxes`,
    'operator ≤ 300 MB, restart to first reconcile ≤ 5 s',
    measured,
    '',
    kept(holds),
  ];
}
