import { isFinished, type Execution, type ExecutionStatus } from '../crds/execution.ts';
import { executionStatusOf } from '../crds/rest-status.ts';
import type { Places } from './executions.ts';
import type { Run } from './run.ts';
import { restIdOf } from './names.ts';
import { presentArtifacts } from './present-artifacts.ts';
import { createdAtOf } from './present-time.ts';
import type { ExecutionResponse, SubmittedResponse } from './schemas/execution.ts';

/** Execution -> REST execution. Pure. */

const BYTES_PER_MEGABYTE = 2 ** 20;

export function presentRun(places: Places, { execution, sessionId }: Run): ExecutionResponse {
  const { spec, status } = execution;
  return {
    id: restIdOf(execution),
    session_id: sessionId,
    status: executionStatusOf(execution),
    queue_position: places.placeOf(execution),
    code: spec.code,
    language: spec.language,
    timeout: spec.timeoutSeconds ?? null,
    ...outcomeOf(execution),
    ...outputOf(status),
    artifacts: presentArtifacts(status),
    retry_count: Math.max((status?.attempts ?? 1) - 1, 0),
    created_at: createdAtOf(execution),
    started_at: status?.startedAt ?? null,
    completed_at: status?.finishedAt ?? null,
    metrics: metricsOf(status?.metrics),
  };
}

/** As it stands right after it was accepted. */
export function presentSubmitted(places: Places, run: Run): SubmittedResponse {
  const { id, session_id, status, queue_position, created_at } = presentRun(places, run);
  return { execution_id: id, session_id, status, queue_position, created_at };
}

type Outcome = Pick<
  ExecutionResponse,
  'reason' | 'exit_code' | 'error_message' | 'execution_time' | 'return_value'
>;

/** All null before the end: a client must not take the exit code of a pending run for success. */
function outcomeOf(execution: Execution): Outcome {
  const { reason, exitCode, metrics, returnValue } = endOf(execution);
  return {
    reason: reason ?? null,
    exit_code: exitCode ?? null,
    error_message: errorMessageOf(execution),
    execution_time: metrics === undefined ? null : metrics.durationMs / 1000,
    return_value: returnValue ?? null,
  };
}

function endOf(execution: Execution): ExecutionStatus {
  return isFinished(execution) ? (execution.status ?? {}) : {};
}

/** The operator's words, else what the program said, else the bare reason. */
function errorMessageOf(execution: Execution): string | null {
  const { phase, message, stderr, reason } = endOf(execution);
  if (phase === 'Completed') return null;
  return [message, stderr?.text, reason].find((text) => text !== undefined && text !== '') ?? null;
}

function outputOf(
  status: ExecutionStatus | undefined,
): Pick<ExecutionResponse, 'stdout' | 'stderr' | 'stdout_truncated' | 'stderr_truncated'> {
  const { stdout = NO_OUTPUT, stderr = NO_OUTPUT } = status ?? {};
  return {
    stdout: stdout.text,
    stderr: stderr.text,
    stdout_truncated: stdout.truncated,
    stderr_truncated: stderr.truncated,
  };
}

const NO_OUTPUT = { text: '', truncated: false };

function metricsOf(metrics: ExecutionStatus['metrics']): ExecutionResponse['metrics'] {
  if (metrics === undefined) return null;
  const { durationMs, cpuTimeMs, peakMemoryBytes } = metrics;
  return {
    duration_ms: durationMs,
    cpu_time_ms: cpuTimeMs ?? null,
    peak_memory_mb: peakMemoryBytes === undefined ? null : peakMemoryBytes / BYTES_PER_MEGABYTE,
    io_read_bytes: null,
    io_write_bytes: null,
  };
}
