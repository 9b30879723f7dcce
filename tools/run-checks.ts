import { mkdir, writeFile } from 'node:fs/promises';
import { FAST_SUITES, PREPARATIONS, SLOW_SUITES, STATIC_CHECKS } from './checks.ts';
import { runCheck } from './run-check.ts';
import { runSuite } from './run-suite.ts';
import { sum, totalsLine, type Tally } from './tally.ts';

/** `run-checks.ts verify | test`: runs everything, whatever fails before it, and ends with the totals. */

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

async function main(mode: string | undefined): Promise<void> {
  if (mode !== 'verify' && mode !== 'test') throw new Error('usage: run-checks.ts verify | test');
  const tallies = await runStaticChecks();
  for (const suite of FAST_SUITES) tallies.push(await runSuite(suite));
  if (mode === 'test') {
    for (const preparation of PREPARATIONS) tallies.push(await runCheck(preparation));
    for (const suite of SLOW_SUITES) tallies.push(await runSuite(suite));
  }

  const total = sum(tallies);
  await mkdir('.cache', { recursive: true });
  await writeFile('.cache/totals', `${totalsLine(total)}\n`);
  process.stdout.write(`\n${totalsLine(total)}\n`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

await main(process.argv[2]);
