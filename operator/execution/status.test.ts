import { LIMITS } from '../../crds/limits.ts';
import type { FinalState } from '../../executor/contract.ts';
import { anOutcome } from '../../test/builders/execution.ts';
import { aRun, seenExecution } from '../../test/builders/observed-execution.ts';
import { BORN, SECOND } from '../../test/builders/observed-sandbox.ts';
import { timestamp } from '../timestamp.ts';
import { outcomeStatus, unstorableStatus } from './status.ts';

/** The status that an executor's answer leads to. */
function statusOf(overrides: Partial<FinalState>) {
  const outcome = anOutcome(overrides);
  return outcomeStatus(seenExecution({ run: aRun({ phase: 'finished', outcome }) }), outcome);
}

describe('an untrusted outcome', () => {
  test.each([
    ['null', null],
    ['false', false],
    ['0', 0],
    ['an empty text', ''],
    ['a null inside', { a: [null], b: null }],
  ])('keeps %s as a return value', (_what, returnValue) => {
    expect(statusOf({ returnValue })).toHaveProperty('returnValue', returnValue);
  });

  test('has no return value when nothing was returned', () => {
    expect(statusOf({})).not.toHaveProperty('returnValue');
  });

  test('has no return value unless it is Completed', () => {
    const failed = statusOf({
      phase: 'Failed',
      reason: 'NonZeroExit',
      exitCode: 1,
      returnValue: 1,
    });
    expect(failed).not.toHaveProperty('returnValue');
  });

  test('fails when its return value is larger than the limit', () => {
    const status = statusOf({ returnValue: 'x'.repeat(LIMITS.returnValueBytes) });
    expect(status).toMatchObject({ phase: 'Failed', reason: 'ReturnValueTooLarge' });
    expect(status).not.toHaveProperty('returnValue');
  });

  test('fails when its return value is nested beyond what can be written', () => {
    const deep: unknown = JSON.parse('['.repeat(50_000) + ']'.repeat(50_000));
    expect(statusOf({ returnValue: deep })).toMatchObject({
      phase: 'Failed',
      reason: 'ReturnValueNotSerializable',
    });
  });

  test.each([
    ['in the past', '1999-01-01T00:00:00Z', BORN],
    ['in the future', '2999-01-01T00:00:00Z', BORN + 10 * SECOND],
    ['as told, when plausible', timestamp(BORN + SECOND), BORN + SECOND],
  ])('cannot have ended %s', (_what, finishedAt, expected) => {
    expect(statusOf({ finishedAt }).finishedAt).toBe(timestamp(expected));
  });

  test.each([
    ['plain text', 'a'],
    ['control characters, which JSON writes with six', '\u0001'],
    ['characters of several bytes', 'é'],
  ])('is cut to head and tail when it is too long: %s', (_what, character) => {
    const text = `HEAD${character.repeat(300_000)}TAIL`;
    const { stdout } = statusOf({ stdout: { text, bytes: 300_008, truncated: false } });
    expect(Buffer.byteLength(JSON.stringify(stdout?.text))).toBeLessThan(LIMITS.outputBytes + 64);
    expect(stdout).toMatchObject({ bytes: 300_008, truncated: true });
    expect(stdout?.text).toMatch(/^HEAD[^]*TAIL$/);
  });

  test('still ends the run when the server will not store it', () => {
    const refused = statusOf({ returnValue: 1 });
    const stored = unstorableStatus(seenExecution(), refused, 'too deep');
    expect(stored).toMatchObject({ phase: 'Failed', reason: 'ReturnValueNotSerializable' });
    expect(stored).not.toHaveProperty('returnValue');
    expect(stored).not.toHaveProperty('stdout');
  });
});
