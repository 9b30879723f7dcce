import { z } from 'zod';
import { FAILED, type Tally } from './tally.ts';

/** The part of `jest --json` that is counted. */
const report = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  numTodoTests: z.int(),
  /** Files that could not even be loaded; none of their cases is in the other numbers. */
  numRuntimeErrorTestSuites: z.int(),
  success: z.boolean(),
});

/** Counts what jest reports. Whatever went wrong outside a test case counts as one failure, so that it can't hide. */
export function tallyOf(json: string | undefined, exitCode: number): Tally {
  if (json === undefined) return FAILED;
  const parsed = report.parse(JSON.parse(json));
  const failed = parsed.numFailedTests + parsed.numRuntimeErrorTestSuites;
  const hidden = failed === 0 && (exitCode !== 0 || !parsed.success) ? 1 : 0;
  return {
    passed: parsed.numPassedTests,
    failed: failed + hidden,
    skipped: parsed.numPendingTests + parsed.numTodoTests,
  };
}
