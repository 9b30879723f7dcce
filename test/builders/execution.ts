import { executionSpec } from '../../crds/execution.ts';
import type { Execution, ExecutionStatus } from '../../crds/execution.ts';
import { API_VERSION } from '../../crds/names.ts';
import type { FinalState } from '../../executor/contract.ts';
import type { ObjectMeta } from '../../kube/objects.ts';
import { CREATED_AT, metadataOf } from './metadata.ts';

export interface ExecutionOverrides {
  readonly metadata?: Partial<ObjectMeta>;
  readonly spec?: Partial<Record<keyof Execution['spec'], unknown>>;
  readonly status?: ExecutionStatus;
}

/** The execution `run` on the sandbox `box`, just created; name what the test is about. */
export function anExecution({ metadata, spec, status }: ExecutionOverrides = {}): Execution {
  return {
    apiVersion: API_VERSION,
    kind: 'Execution',
    metadata: metadataOf(metadata?.name ?? 'run', metadata),
    spec: executionSpec.parse({
      sandboxRef: { name: 'box' },
      language: 'python',
      code: 'print("hello")',
      ...spec,
    }),
    ...(status === undefined ? {} : { status }),
  };
}

/** What an executor answers about a run of `anExecution` that went well. */
export function anOutcome(overrides: Partial<FinalState> = {}): FinalState {
  return {
    id: 'uid-run',
    phase: 'Completed',
    reason: 'Completed',
    exitCode: 0,
    stdout: { text: 'hello\n', bytes: 6, truncated: false },
    stderr: { text: '', bytes: 0, truncated: false },
    metrics: { durationMs: 3 },
    startedAt: CREATED_AT,
    finishedAt: CREATED_AT,
    ...overrides,
  };
}
