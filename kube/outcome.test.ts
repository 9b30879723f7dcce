import { ConflictError, TooManyRequestsError } from './errors.ts';
import { outcomeOfError, outcomeOfResult, soonest } from './outcome.ts';
import { TerminalError } from './reconciler.ts';

const status = { code: 0, reason: 'R', message: 'm' };
const bug = new Error('bug');
const conflict = new ConflictError(status);
const throttled = new TooManyRequestsError(status, { retryAfterMs: 7_000 });
const terminal = new TerminalError('no');

test.each([
  ['nothing to add is a success', outcomeOfResult({}), { result: 'success' }],
  [
    'a delay is a requeue',
    outcomeOfResult({ requeueAfterMs: 0 }),
    { result: 'requeue_after', afterMs: 0 },
  ],
  [
    'an error is retried',
    outcomeOfError(bug, false),
    { result: 'error', error: bug, atLeastMs: 0, expected: false },
  ],
  [
    'a conflict is retried without a fuss',
    outcomeOfError(conflict, false),
    { result: 'error', error: conflict, atLeastMs: 0, expected: true },
  ],
  [
    'the server says when to retry',
    outcomeOfError(throttled, false),
    { result: 'error', error: throttled, atLeastMs: 7_000, expected: false },
  ],
  [
    'a terminal error is not retried',
    outcomeOfError(terminal, true),
    { result: 'terminal', error: terminal },
  ],
  ['an error after an abort is the abort', outcomeOfError(bug, true), { result: 'aborted' }],
])('%s', (_name, outcome, expected) => {
  expect(outcome).toEqual(expected);
});

test.each([
  [[], {}],
  [[undefined], {}],
  [[5, undefined, 3], { requeueAfterMs: 3 }],
  [[-5, 3], { requeueAfterMs: 0 }],
])('the soonest of %j is %j', (delays, result) => {
  expect(soonest(...delays)).toEqual(result);
});
