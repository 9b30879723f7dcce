import type { Check } from './checks.ts';
import { firstLacking } from './requirements.ts';
import { runCommand } from './run-command.ts';
import { sayFailed, sayPassed, saySkipped } from './say.ts';
import { FAILED, PASSED, SKIPPED, type Tally } from './tally.ts';

/** What a check ends with when this machine lacks what it needs (a convention of automake). */
const CANNOT_RUN = 77;
const DEFAULT_TIMEOUT_MS = 600_000;

/** Runs one check; shows its output only if it did not pass. */
export async function runCheck(check: Check): Promise<Tally> {
  const { name, script, needs = [], timeoutMs = DEFAULT_TIMEOUT_MS } = check;
  const lacking = await firstLacking(needs);
  if (lacking !== undefined) {
    saySkipped(name, lacking);
    return SKIPPED;
  }
  const began = Date.now();
  const { exitCode, output } = await runCommand(['npm', 'run', '--silent', script], {
    timeoutMs,
  });
  if (exitCode === 0) {
    sayPassed(name, Date.now() - began);
    return PASSED;
  }
  if (exitCode === CANNOT_RUN) {
    saySkipped(name, output.trim());
    return SKIPPED;
  }
  process.stdout.write(output);
  sayFailed(name, `npm run ${script}`);
  return FAILED;
}
