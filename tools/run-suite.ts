import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Suite } from './checks.ts';
import { tallyOf } from './jest-report.ts';
import { findKubectl } from './kubectl.ts';
import { firstLacking } from './requirements.ts';
import { runCommand } from './run-command.ts';
import { sayFailed, sayPassed, saySkipped } from './say.ts';
import { SKIPPED, type Tally } from './tally.ts';

/** A suite that hangs must not take the time of those after it. */
const DEFAULT_TIMEOUT_MS = 900_000;

/** Runs one suite; one whose needs this machine can't meet counts as one skipped case. */
export async function runSuite(suite: Suite): Promise<Tally> {
  const lacking = await firstLacking(suite.needs);
  if (lacking !== undefined) {
    saySkipped(suite.name, lacking);
    return SKIPPED;
  }
  const folder = await mkdtemp(path.join(os.tmpdir(), 'suite-'));
  try {
    return await runJest(suite, path.join(folder, 'report.json'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function runJest(suite: Suite, reportFile: string): Promise<Tally> {
  const began = Date.now();
  const { exitCode } = await runCommand(jestCommand(suite, reportFile), {
    live: true,
    timeoutMs: suite.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    env: { NODE_OPTIONS: '--experimental-vm-modules --no-warnings', ...(await kubectl()) },
  });
  const report = await readFile(reportFile, 'utf8').catch(() => undefined);
  const tally = tallyOf(report, exitCode);
  if (tally.failed === 0) sayPassed(suite.name, Date.now() - began);
  else sayFailed(suite.name, `npm run jest -- ${selection(suite).join(' ')}`);
  return tally;
}

async function kubectl(): Promise<Record<string, string>> {
  const found = await findKubectl();
  return found === undefined ? {} : { KUBECTL: found };
}

function jestCommand(suite: Suite, reportFile: string): [string, ...string[]] {
  const jest = [
    process.execPath,
    path.join('node_modules', 'jest', 'bin', 'jest.js'),
    ...selection(suite),
    '--json',
    `--outputFile=${reportFile}`,
  ] as const;
  return suite.within === undefined ? [...jest] : [...suite.within, ...jest];
}

function selection({ project, files }: Suite): string[] {
  const chosen = ['--selectProjects', project];
  // These start processes and containers of their own: two at a time would only measure each other.
  if (['executor', 'history', 'local', 'e2e'].includes(project)) chosen.push('--runInBand');
  if (files !== undefined) chosen.push('--testPathPatterns', files);
  return chosen;
}
