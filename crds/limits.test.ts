import { EXECUTION_PHASES, executionSpec, LANGUAGES } from './execution.ts';
import { EXECUTION_REASONS } from './reasons.ts';
import { LIMITS } from './limits.ts';
import {
  EXECUTOR_LIMITS,
  OUTCOME_PHASES,
  OUTCOME_REASONS,
  startRequest,
} from '../executor/contract.ts';

/** The executor imports nothing of ours, so its contract repeats these; here they are held together. */
describe('the kinds and the executor agree', () => {
  const request = { language: 'python', code: 'x', timeoutMs: 1_000 };
  const refuses = (change: object): boolean =>
    !startRequest.safeParse({ ...request, ...change }).success;

  test('on the length of code', () => {
    expect(refuses({ code: 'x'.repeat(LIMITS.codeCharacters) })).toBe(false);
    expect(refuses({ code: 'x'.repeat(LIMITS.codeCharacters + 1) })).toBe(true);
  });

  test('on the longest timeout', () => {
    const longest = LIMITS.executionTimeoutSeconds.max * 1_000;
    expect(refuses({ timeoutMs: longest })).toBe(false);
    expect(refuses({ timeoutMs: longest + 1 })).toBe(true);
  });

  test.each(LANGUAGES)('on the language %s', (language) => {
    expect(refuses({ language })).toBe(false);
  });

  test('on languages: the executor knows no other', () => {
    expect(startRequest.shape.language.options).toEqual([...LANGUAGES]);
    expect(executionSpec.shape.language.options).toEqual([...LANGUAGES]);
  });

  test('on outcomes: whatever the executor says has a place in a status', () => {
    expect(EXECUTION_PHASES).toEqual(expect.arrayContaining([...OUTCOME_PHASES]));
    expect(EXECUTION_REASONS).toEqual(expect.arrayContaining([...OUTCOME_REASONS]));
  });

  test('on the largest return value and output', () => {
    expect(LIMITS).toMatchObject({
      returnValueBytes: EXECUTOR_LIMITS.returnValueBytes,
      outputBytes: EXECUTOR_LIMITS.outputBytes,
    });
  });

  test('on one execution fitting into one object of etcd', () => {
    // Code may take 4 bytes a character; a status repeats stdout and stderr.
    const most =
      LIMITS.codeCharacters * 4 +
      LIMITS.eventBytes +
      LIMITS.returnValueBytes +
      2 * LIMITS.outputBytes;
    expect(most).toBeLessThan(1.5 * 1024 * 1024);
  });
});
