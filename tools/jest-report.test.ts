import { tallyOf } from './jest-report.ts';
import { sum, totalsLine } from './tally.ts';

const clean = {
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 0,
  success: true,
};

describe('what a jest run counts', () => {
  test.each([
    ['all green', clean, 0, [3, 0, 0]],
    ['a failed case', { ...clean, numFailedTests: 1, success: false }, 1, [3, 1, 0]],
    [
      'a file that does not load',
      { ...clean, numRuntimeErrorTestSuites: 1, success: false },
      1,
      [3, 1, 0],
    ],
    ['cases skipped and to do', { ...clean, numPendingTests: 2, numTodoTests: 1 }, 0, [3, 0, 3]],
    ['a bad exit with nothing failed', clean, 1, [3, 1, 0]],
    ['no success with nothing failed', { ...clean, success: false }, 0, [3, 1, 0]],
  ])('%s', (_, report, exitCode, [passed, failed, skipped]) => {
    expect(tallyOf(JSON.stringify(report), exitCode)).toEqual({ passed, failed, skipped });
  });

  it('counts a run without a report as failed, whatever its exit code', () => {
    expect(tallyOf(undefined, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  });

  it('adds up to the one line that CI reads', () => {
    const tallies = [
      { passed: 1, failed: 0, skipped: 2 },
      { passed: 3, failed: 4, skipped: 0 },
    ];
    expect(totalsLine(sum(tallies))).toBe('4 passed, 4 failed, 2 skipped');
  });
});
