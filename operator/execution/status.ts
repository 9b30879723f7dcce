import type { ExecutionStatus } from '../../crds/execution.ts';
import { LIMITS } from '../../crds/limits.ts';
import { EXECUTION_CONDITIONS } from '../../crds/reasons.ts';
import type { FinalState } from '../../executor/contract.ts';
import { setCondition } from '../../kube/conditions.ts';
import { timeOf, timestamp } from '../timestamp.ts';
import { keptArtifacts } from './kept-artifacts.ts';
import { keptOutput } from './kept-output.ts';
import type { Observed } from './observe.ts';
import { keptReturnValue } from './return-value.ts';
import type { RunView } from './runs.ts';

/** How it ended, in one line. */
export type Ending = Pick<ExecutionStatus, 'phase' | 'reason' | 'message'>;

const LONGEST_MESSAGE = 4_096;
const LONGEST_SIGNAL = 16;

/** It waits for others to end and has done so for a while. */
export function queuedStatus(seen: Observed, limit: number): ExecutionStatus {
  const runs = limit === 1 ? 'another execution runs' : `${String(limit)} others run`;
  return {
    ...seen.execution.status,
    observedGeneration: seen.execution.metadata.generation,
    phase: 'Pending',
    reason: 'Queued',
    message: `waits for its turn: ${runs} in its sandbox, which is what spec.executions.maxConcurrent of its template allows`,
  };
}

/** It runs and has done so for a while. */
export function runningStatus(seen: Observed, run: RunView, startedAt: string): ExecutionStatus {
  return {
    ...seen.execution.status,
    observedGeneration: seen.execution.metadata.generation,
    phase: 'Running',
    reason: undefined,
    message: undefined,
    ...handedOver(run),
    startedAt: plausibleTime(seen, startedAt),
  };
}

/** It ended without an outcome from the executor. */
export function finishedStatus(seen: Observed, ending: Ending): ExecutionStatus {
  const { execution, run } = seen;
  const message = ending.message?.slice(0, LONGEST_MESSAGE);
  return {
    ...execution.status,
    observedGeneration: execution.metadata.generation,
    ...(run === undefined ? {} : handedOver(run)),
    ...ending,
    message,
    finishedAt: timestamp(seen.now),
    conditions: finished(seen, { ...ending, message }),
  };
}

/** It ended as the executor says, which is believed within the limits of the schema. */
export function outcomeStatus(seen: Observed, outcome: FinalState): ExecutionStatus {
  const { ending, returnValue } = endingOf(outcome);
  return {
    ...finishedStatus(seen, ending),
    exitCode: outcome.exitCode,
    signal: outcome.signal?.slice(0, LONGEST_SIGNAL),
    stdout: keptOutput(outcome.stdout, LIMITS.outputBytes),
    stderr: keptOutput(outcome.stderr, LIMITS.outputBytes),
    metrics: outcome.metrics,
    ...keptArtifacts(outcome, LIMITS),
    startedAt: plausibleTime(seen, outcome.startedAt),
    finishedAt: plausibleTime(seen, outcome.finishedAt),
    ...(returnValue === undefined ? {} : { returnValue: returnValue.value }),
  };
}

/** The ending without anything that the executor sent along: for a server that will not store it. */
export function unstorableStatus(
  seen: Observed,
  refused: ExecutionStatus,
  words: string,
): ExecutionStatus {
  const { phase, reason } = refused;
  const message = `what the executor reported could not be stored: ${words}`;
  return phase === 'Completed'
    ? finishedStatus(seen, { phase: 'Failed', reason: 'ReturnValueNotSerializable', message })
    : finishedStatus(seen, { phase, reason, message });
}

interface KeptEnding {
  readonly ending: Ending;
  readonly returnValue: { readonly value: unknown } | undefined;
}

function endingOf({ phase, reason, message, returnValue }: FinalState): KeptEnding {
  const asTold = { phase, reason, message };
  if (phase !== 'Completed' || returnValue === undefined) {
    return { ending: asTold, returnValue: undefined };
  }
  const kept = keptReturnValue(returnValue, LIMITS.returnValueBytes);
  return 'value' in kept
    ? { ending: asTold, returnValue: kept }
    : { ending: { phase: 'Failed', ...kept }, returnValue: undefined };
}

function handedOver({ podName, podUID }: RunView): Partial<ExecutionStatus> {
  return { podName, podUID, attempts: 1 };
}

/** The executor's clock is as untrusted as the rest of it, and the TTL counts from what is stored. */
function plausibleTime({ execution, now }: Observed, told: string): string {
  const earliest = timeOf(execution.metadata.creationTimestamp) ?? now;
  return timestamp(Math.min(Math.max(timeOf(told) ?? now, earliest), now));
}

function finished(seen: Observed, { reason, message }: Ending): ExecutionStatus['conditions'] {
  const update = {
    type: EXECUTION_CONDITIONS.finished,
    status: 'True',
    reason: reason ?? '',
    message: message ?? '',
    observedGeneration: seen.execution.metadata.generation ?? 0,
  } as const;
  return [...setCondition(seen.execution.status?.conditions, update, seen.now)];
}
