import { z } from 'zod';
import { LANGUAGES } from '../../crds/execution.ts';
import { LIMITS } from '../../crds/limits.ts';
import { EXECUTION_REASONS } from '../../crds/reasons.ts';
import { EXECUTION_STATUSES } from '../../crds/rest-status.ts';
import { artifact } from './artifact.ts';
import { cursor } from './cursor.ts';
import { errorResponse } from './error.ts';
import {
  decimal,
  envVars,
  event,
  examplesOf,
  historyPageOf,
  integer,
  paging,
  restId,
  timestamp,
} from './fields.ts';

const { min, max, default: standard } = LIMITS.executionTimeoutSeconds;

export const executeRequest = z
  .object({
    code: z.string().min(1).max(LIMITS.codeCharacters),
    language: z.enum(LANGUAGES),
    timeout: integer(min, max)
      .default(standard)
      .meta({ description: 'Seconds after which the run is stopped.' }),
    event: event.nullish(),
    env_vars: envVars.nullish(),
  })
  .meta({
    id: 'Execute',
    examples: [
      {
        code: 'def handler(event):\n    return {"result": "hello world"}',
        language: 'python',
        timeout: 30,
        event: {},
      },
    ],
  });
export type ExecuteRequest = z.output<typeof executeRequest>;

/** As many as one call can bring. */
const BATCH_SIZE = 100;

export const batchRequest = z
  .object({ executions: z.array(executeRequest).min(1).max(BATCH_SIZE) })
  .meta({
    id: 'ExecuteBatch',
    examples: [
      {
        executions: [
          { code: 'print(1)', language: 'python' },
          { code: 'console.log(2)', language: 'javascript', timeout: 10 },
        ],
      },
    ],
  });

export const executeSyncQuery = z.object({
  poll_interval: decimal(0.1, 10)
    .default(0.5)
    .meta({ description: 'Checked and not used: nothing is polled.' }),
  sync_timeout: integer(10, 3600)
    .default(300)
    .meta({ description: 'Seconds to wait for the end of the run.' }),
});

const queuePosition = z.int().min(0).nullable().meta({
  description:
    'How many executions of the session must end before it begins: the template says how many run at once. 0: it begins as soon as the session runs, or did a moment ago; null: it runs or has ended.',
});

export const submittedResponse = z
  .object({
    execution_id: z.string(),
    session_id: z.string(),
    status: z.enum(EXECUTION_STATUSES),
    queue_position: queuePosition,
    created_at: timestamp,
  })
  .meta({
    id: 'Submitted',
    examples: [
      {
        execution_id: 'exec_20261124070221_fcd4af56',
        session_id: 'sess_20261124_fcd4af56',
        status: 'pending',
        queue_position: 0,
        created_at: '2026-11-24T07:02:21.301Z',
      },
    ],
  });
export type SubmittedResponse = z.output<typeof submittedResponse>;

const metrics = z.object({
  duration_ms: z.number(),
  cpu_time_ms: z.number().nullable().meta({ description: 'Of the user process and its children.' }),
  peak_memory_mb: z
    .number()
    .nullable()
    .meta({ description: 'Of the user process and its children.' }),
  io_read_bytes: z.int().nullable(),
  io_write_bytes: z.int().nullable(),
});

export const executionResponse = z
  .object({
    id: z.string(),
    session_id: z.string(),
    status: z.enum(EXECUTION_STATUSES),
    queue_position: queuePosition,
    reason: z
      .enum(EXECUTION_REASONS)
      .nullable()
      .meta({ description: 'Why it ended as it did; null before it ended.' }),
    code: z.string(),
    language: z.enum(LANGUAGES),
    timeout: z
      .int()
      .nullable()
      .meta({ description: 'Null: what the session or its template says.' }),
    exit_code: z.int().nullable().meta({
      description: '0 exactly if completed; null before it ended or if it never started.',
    }),
    error_message: z.string().nullable(),
    execution_time: z.number().nullable().meta({ description: 'Seconds.' }),
    stdout: z.string(),
    stderr: z.string(),
    stdout_truncated: z
      .boolean()
      .meta({ description: 'True if the middle of a long output is missing.' }),
    stderr_truncated: z.boolean(),
    artifacts: z.array(artifact),
    retry_count: z.int().min(0),
    created_at: timestamp,
    started_at: timestamp.nullable(),
    completed_at: timestamp.nullable(),
    return_value: z.unknown().meta({ description: 'What the handler returned: any JSON value.' }),
    metrics: metrics.nullable(),
  })
  .meta({
    id: 'Execution',
    examples: [
      {
        id: 'exec_20261124070221_fcd4af56',
        session_id: 'sess_20261124_fcd4af56',
        status: 'completed',
        queue_position: null,
        reason: 'Completed',
        code: 'def handler(event):\n    return {"result": "hello world"}',
        language: 'python',
        timeout: 30,
        exit_code: 0,
        error_message: null,
        execution_time: 0.0042,
        stdout: '',
        stderr: '',
        stdout_truncated: false,
        stderr_truncated: false,
        artifacts: [],
        retry_count: 0,
        created_at: '2026-11-24T07:02:21.301Z',
        started_at: '2026-11-24T07:02:21.306Z',
        completed_at: '2026-11-24T07:02:21.310Z',
        return_value: { result: 'hello world' },
        metrics: {
          duration_ms: 4.2,
          cpu_time_ms: 3.1,
          peak_memory_mb: 9.5,
          io_read_bytes: null,
          io_write_bytes: null,
        },
      },
    ],
  });
export type ExecutionResponse = z.output<typeof executionResponse>;

export const listExecutionsQuery = z.object({
  status: z.string().optional().meta({ description: 'Exact; an unknown one finds nothing.' }),
  limit: integer(0, Number.MAX_SAFE_INTEGER)
    .transform((limit) => Math.min(limit, 200))
    .default(50)
    .meta({
      description: 'Length of a page; more than 200 counts as 200.',
      override: { type: 'integer' },
    }),
  offset: paging.offset,
  cursor,
});
export const executionPage = historyPageOf(executionResponse, 'ExecutionPage');
export const executionPath = z.object({
  execution_id: restId.meta({ example: 'exec_20261124070221_fcd4af56' }),
});

function batchOf<T extends z.ZodType>(execution: T, id: string) {
  const [example] = examplesOf(execution);
  return z
    .object({
      items: z
        .array(z.object({ execution: execution.nullable(), error: errorResponse.nullable() }))
        .meta({
          description: 'One for each of the request, in its order; one of the two is null.',
        }),
      failed: z.int().min(0).meta({ description: 'How many items are errors.' }),
    })
    .meta({ id, examples: [{ items: [{ execution: example, error: null }], failed: 0 }] });
}

export const submittedBatch = batchOf(submittedResponse, 'SubmittedBatch');
export const executionBatch = batchOf(executionResponse, 'ExecutionBatch');
