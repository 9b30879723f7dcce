import { type EndFacts, type Outcome, decideOutcome } from './outcome.ts';

const ended = (code: number, more: { result?: string; oomKilled?: boolean } = {}): EndFacts => ({
  kind: 'ended',
  code,
  result: more.result,
  oomKilled: more.oomKilled ?? false,
});

describe('decideOutcome', () => {
  it.each<[string, EndFacts, Partial<Outcome>]>([
    ['exit 0', ended(0), { phase: 'Completed', reason: 'Completed', exitCode: 0 }],
    ['exit 3', ended(3), { phase: 'Failed', reason: 'NonZeroExit', exitCode: 3 }],
    [
      'exit 3 after a value',
      ended(3, { result: 'V1' }),
      { phase: 'Failed', reason: 'NonZeroExit', exitCode: 3 },
    ],
    [
      'a signal',
      ended(-11),
      { phase: 'Failed', reason: 'Signal', exitCode: 139, signal: 'SIGSEGV' },
    ],
    [
      'SIGKILL of its own',
      ended(-9),
      { phase: 'Failed', reason: 'Signal', exitCode: 137, signal: 'SIGKILL' },
    ],
    [
      'SIGKILL for want of memory',
      ended(-9, { oomKilled: true }),
      { phase: 'Failed', reason: 'OOMKilled', exitCode: 137 },
    ],
    [
      "a shell's 137 for want of memory",
      ended(137, { oomKilled: true }),
      { phase: 'Failed', reason: 'OOMKilled', exitCode: 137 },
    ],
    [
      'exit 1 while something else was killed for want of memory',
      ended(1, { oomKilled: true }),
      { reason: 'NonZeroExit', exitCode: 1 },
    ],
    [
      'a value',
      ended(0, { result: 'V{"a":[0,false,null,""]}' }),
      { phase: 'Completed', returnValue: { a: [0, false, null, ''] } },
    ],
    ['null', ended(0, { result: 'Vnull' }), { phase: 'Completed', returnValue: null }],
    [
      'a value that is not JSON',
      ended(1, { result: 'ETypeError: set' }),
      { phase: 'Failed', reason: 'ReturnValueNotSerializable', exitCode: 1 },
    ],
    [
      'a value that is too large',
      ended(1, { result: 'L300000' }),
      { phase: 'Failed', reason: 'ReturnValueTooLarge', exitCode: 1 },
    ],
    [
      'forged nonsense',
      ended(0, { result: 'V{' }),
      { reason: 'ReturnValueNotSerializable', exitCode: 1 },
    ],
    [
      'a forged kind',
      ended(0, { result: 'Zx' }),
      { reason: 'ReturnValueNotSerializable', exitCode: 1 },
    ],
    [
      'a forged depth',
      ended(0, { result: `V${'['.repeat(300)}${']'.repeat(300)}` }),
      { reason: 'ReturnValueNotSerializable' },
    ],
    [
      'a value that grows when written anew',
      ended(0, { result: `V[${'1e20,'.repeat(20_000)}1]` }),
      { reason: 'ReturnValueTooLarge', exitCode: 1 },
    ],
    [
      'a timeout',
      { kind: 'stopped', by: 'Timeout', timeoutMs: 1_500 },
      { phase: 'TimedOut', reason: 'Timeout', exitCode: 124, message: 'did not end within 1.5 s' },
    ],
    [
      'a cancel',
      { kind: 'stopped', by: 'Cancelled', timeoutMs: 1 },
      { phase: 'Cancelled', reason: 'Cancelled', exitCode: 137 },
    ],
    [
      'no interpreter',
      { kind: 'refused', reason: 'LanguageNotAvailable', message: 'm' },
      { phase: 'Failed', reason: 'LanguageNotAvailable', exitCode: 127, message: 'm' },
    ],
    [
      'no process',
      { kind: 'refused', reason: 'CannotStart', message: 'm' },
      { phase: 'Crashed', reason: 'ExecutorLost', exitCode: -1, message: 'm' },
    ],
    [
      'everything killed',
      { kind: 'lost', oomKilled: false },
      { phase: 'Failed', reason: 'Signal', exitCode: 137, signal: 'SIGKILL' },
    ],
    [
      'everything killed for want of memory',
      { kind: 'lost', oomKilled: true },
      { phase: 'Failed', reason: 'OOMKilled' },
    ],
  ])('of %s', (_, facts, outcome) => {
    expect(decideOutcome(facts)).toMatchObject(outcome);
  });

  it('has a return value only if a handler returned', () => {
    expect('returnValue' in decideOutcome(ended(0))).toBe(false);
  });
});

describe('the name of a signal', () => {
  it.each([
    [6, 'SIGABRT'],
    [29, 'SIGIO'],
    [40, 'SIG40'],
  ])('of number %d is %s', (number, name) => {
    expect(decideOutcome(ended(-number)).signal).toBe(name);
  });
});
