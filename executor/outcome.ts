import { constants } from 'node:os';
import { EXECUTOR_LIMITS, type FinalState } from './contract.ts';
import { jsonShape } from './json-shape.ts';

/** What is known of a run that is over. */
export type EndFacts =
  /** Its process ended: exit code, or minus the signal's number. `result` is what it wrote on its result descriptor. */
  | {
      readonly kind: 'ended';
      readonly code: number;
      readonly result: string | undefined;
      readonly oomKilled: boolean;
    }
  | {
      readonly kind: 'refused';
      readonly reason: 'LanguageNotAvailable' | 'CannotStart';
      readonly message: string;
    }
  /** The launcher went away under it. */
  | { readonly kind: 'lost'; readonly oomKilled: boolean }
  | { readonly kind: 'stopped'; readonly by: 'Timeout' | 'Cancelled'; readonly timeoutMs: number };

export type Outcome = Pick<
  FinalState,
  'phase' | 'reason' | 'exitCode' | 'signal' | 'message' | 'returnValue'
>;

/** Of two names for one number the first, usual one: SIGABRT, not SIGIOT. */
const SIGNAL_NAMES = new Map(
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number, name]),
);
const SIGKILL = constants.signals.SIGKILL;
const OUT_OF_MEMORY: Outcome = {
  phase: 'Failed',
  reason: 'OOMKilled',
  exitCode: 128 + SIGKILL,
  signal: 'SIGKILL',
  message: 'killed because the memory of the sandbox was used up',
};

/** Phase, reason and the rest of the outcome, from what is known of the end. */
export function decideOutcome(facts: EndFacts): Outcome {
  switch (facts.kind) {
    case 'stopped':
      return decideStopped(facts);
    case 'refused':
      return decideRefused(facts);
    case 'lost':
      return facts.oomKilled
        ? OUT_OF_MEMORY
        : { ...killedBy(SIGKILL), message: 'everything in the sandbox was killed from within' };
    case 'ended':
      return decideEnded(facts);
  }
}

function decideStopped(facts: Extract<EndFacts, { kind: 'stopped' }>): Outcome {
  if (facts.by === 'Cancelled')
    return {
      phase: 'Cancelled',
      reason: 'Cancelled',
      exitCode: 128 + SIGKILL,
      message: 'cancelled',
    };
  const message = `did not end within ${String(facts.timeoutMs / 1_000)} s`;
  return { phase: 'TimedOut', reason: 'Timeout', exitCode: 124, message };
}

function decideRefused(facts: Extract<EndFacts, { kind: 'refused' }>): Outcome {
  return facts.reason === 'LanguageNotAvailable'
    ? { phase: 'Failed', reason: 'LanguageNotAvailable', exitCode: 127, message: facts.message }
    : { phase: 'Crashed', reason: 'ExecutorLost', exitCode: -1, message: facts.message };
}

function decideEnded({ code, result, oomKilled }: Extract<EndFacts, { kind: 'ended' }>): Outcome {
  // A shell tells of its last command's signal in its exit code.
  if (oomKilled && (code === -SIGKILL || code === 128 + SIGKILL)) return OUT_OF_MEMORY;
  if (code < 0) return killedBy(-code);
  if (code !== 0) return decideNonZero(code, result);
  if (result === undefined) return { phase: 'Completed', reason: 'Completed', exitCode: 0 };
  return decideValue(result);
}

function killedBy(number: number): Outcome {
  const signal = SIGNAL_NAMES.get(number) ?? `SIG${String(number)}`;
  return {
    phase: 'Failed',
    reason: 'Signal',
    exitCode: 128 + number,
    signal,
    message: `killed by ${signal}`,
  };
}

function decideNonZero(code: number, result: string | undefined): Outcome {
  if (result?.startsWith('E')) return notSerializable(result.slice(1), code);
  if (result?.startsWith('L')) return tooLarge(result.slice(1), code);
  return {
    phase: 'Failed',
    reason: 'NonZeroExit',
    exitCode: code,
    message: `exited with code ${String(code)}`,
  };
}

/** User code can write to the descriptor too: what comes is checked like any input. */
function decideValue(result: string): Outcome {
  const text = result.slice(1);
  if (!result.startsWith('V')) return notSerializable('something else was written in its place', 1);
  if (jsonShape(text).depth > EXECUTOR_LIMITS.returnValueDepth)
    return notSerializable('it is nested too deep', 1);
  const value = parse(text);
  if (value === undefined) return notSerializable('what was written is not JSON', 1);
  const bytes = Buffer.byteLength(JSON.stringify(value.json));
  if (bytes > EXECUTOR_LIMITS.returnValueBytes) return tooLarge(String(bytes), 1);
  return { phase: 'Completed', reason: 'Completed', exitCode: 0, returnValue: value.json };
}

function parse(text: string): { readonly json: unknown } | undefined {
  try {
    return { json: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function notSerializable(why: string, exitCode: number): Outcome {
  const message = `the return value cannot be written as JSON: ${why}`.slice(0, 1_024);
  return { phase: 'Failed', reason: 'ReturnValueNotSerializable', exitCode, message };
}

function tooLarge(bytes: string, exitCode: number): Outcome {
  const limit = String(EXECUTOR_LIMITS.returnValueBytes);
  const message = `the return value is ${bytes.slice(0, 20)} bytes of JSON; at most ${limit} are kept`;
  return { phase: 'Failed', reason: 'ReturnValueTooLarge', exitCode, message };
}
