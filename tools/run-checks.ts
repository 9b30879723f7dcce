import { mkdir, writeFile } from 'node:fs/promises';
import {
  CLUSTER_PREPARATIONS,
  CLUSTER_SUITES,
  FAST_SUITES,
  PREPARATIONS,
  SLOW_SUITES,
  STATIC_CHECKS,
  type Check,
  type Suite,
} from './checks.ts';
import { runCheck } from './run-check.ts';
import { runSuite } from './run-suite.ts';
import { sum, totalsLine, type Tally } from './tally.ts';

/** `run-checks.ts verify | test | e2e`: runs everything, whatever fails before it, and ends with the totals. */

/** Two at a time: most machines have two cores, and no two of these share state. */
async function runStaticChecks(): Promise<Tally[]> {
  const waiting = [...STATIC_CHECKS];
  const tallies: Tally[] = [];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      tallies.push(await runCheck(next));
    }
  };
  await Promise.all([worker(), worker()]);
  return tallies;
}

async function runInTurn(checks: readonly Check[], suites: readonly Suite[]): Promise<Tally[]> {
  const tallies: Tally[] = [];
  for (const check of checks) tallies.push(await runCheck(check));
  for (const suite of suites) tallies.push(await runSuite(suite));
  return tallies;
}

const MODES: Readonly<Record<string, () => Promise<Tally[]>>> = {
  verify: async () => [...(await runStaticChecks()), ...(await runInTurn([], FAST_SUITES))],
  test: async () => [
    ...((await MODES['verify']?.()) ?? []),
    ...(await runInTurn(PREPARATIONS, SLOW_SUITES)),
  ],
  e2e: () => runInTurn(CLUSTER_PREPARATIONS, CLUSTER_SUITES),
};

async function main(mode = ''): Promise<void> {
  const tallies = await MODES[mode]?.();
  if (tallies === undefined) throw new Error('usage: run-checks.ts verify | test | e2e');
  const total = sum(tallies);
  await mkdir('.cache', { recursive: true });
  await writeFile('.cache/totals', `${totalsLine(total)}\n`);
  process.stdout.write(`\n${totalsLine(total)}\n`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

await main(process.argv[2]);
