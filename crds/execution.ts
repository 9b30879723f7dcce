import { z } from 'zod';
import type { KubeObject, ResourceType } from '../kube/objects.ts';
import {
  anyJson,
  conditions,
  executionTimeoutSeconds,
  immutable,
  objectName,
  plainEnv,
  timestamp,
} from './fields.ts';
import { LIMITS } from './limits.ts';
import { GROUP, VERSION } from './names.ts';
import { EXECUTION_REASONS } from './reasons.ts';

export const LANGUAGES = ['python', 'javascript', 'shell'] as const;
export type Language = (typeof LANGUAGES)[number];

export const EXECUTION_PHASES = [
  'Pending',
  'Running',
  'Completed',
  'Failed',
  'TimedOut',
  'Crashed',
  'Cancelled',
] as const;
export type ExecutionPhase = (typeof EXECUTION_PHASES)[number];

// A rule on a field is not asked when an optional field appears or goes away: for those it must stand on the object around it.
const timeoutImmutable = {
  'x-kubernetes-validations': [
    {
      rule: 'has(self.timeoutSeconds) == has(oldSelf.timeoutSeconds) && (!has(self.timeoutSeconds) || self.timeoutSeconds == oldSelf.timeoutSeconds)',
      message: 'spec.timeoutSeconds is immutable',
    },
  ],
};

export const executionSpec = z
  .object({
    sandboxRef: z.object({ name: objectName }).meta(immutable('spec.sandboxRef')),
    language: z.enum(LANGUAGES).meta(immutable('spec.language')),
    code: z.string().min(1).max(LIMITS.codeCharacters).meta(immutable('spec.code')),
    event: z
      .record(z.string(), z.unknown())
      .default({})
      .meta({
        description: 'Handed to the handler as its first argument.',
        ...immutable('spec.event'),
      }),
    timeoutSeconds: executionTimeoutSeconds
      .optional()
      .meta({ description: 'Absent: the sandbox or its template decides.' }),
    env: plainEnv.default([]).meta(immutable('spec.env')),
    ttlSecondsAfterFinished: z
      .int()
      .min(0)
      .max(2_592_000)
      .default(86_400)
      .meta({
        description: 'The object is deleted this long after it finished.',
        ...immutable('spec.ttlSecondsAfterFinished'),
      }),
    cancel: z
      .boolean()
      .default(false)
      .meta({
        'x-kubernetes-validations': [
          { rule: '!oldSelf || self', message: 'spec.cancel cannot be taken back' },
        ],
      }),
  })
  .meta(timeoutImmutable);
export type ExecutionSpec = z.infer<typeof executionSpec>;

/** One captured stream: whole, or its head and tail with a line between them that says what is missing. */
export const output = z.object({
  text: z.string(),
  /** Written by the program in all, also what was not kept. */
  bytes: z.int().min(0),
  truncated: z.boolean(),
});
export type Output = z.infer<typeof output>;

/** Of the user's process and its children, not of the executor. */
export const executionMetrics = z.object({
  durationMs: z.number().min(0),
  cpuTimeMs: z.number().min(0).optional(),
  peakMemoryBytes: z.int().min(0).optional(),
});
export type ExecutionMetrics = z.infer<typeof executionMetrics>;

export const executionStatus = z.object({
  observedGeneration: z.int().min(0).optional(),
  phase: z.enum(EXECUTION_PHASES).optional(),
  reason: z.enum(EXECUTION_REASONS).optional(),
  message: z.string().max(4_096).optional(),
  conditions: conditions.optional(),
  exitCode: z.int().optional(),
  signal: z.string().max(16).optional(),
  stdout: output.optional(),
  stderr: output.optional(),
  /** Absent when there was no handler, no return value or no success. */
  returnValue: anyJson.optional(),
  metrics: executionMetrics.optional(),
  podName: z.string().optional(),
  /** The pod that it was handed to: it is never handed to another one. */
  podUID: z.string().optional(),
  attempts: z.int().min(0).optional(),
  startedAt: timestamp.optional(),
  finishedAt: timestamp.optional(),
});
export type ExecutionStatus = z.infer<typeof executionStatus>;

export interface Execution extends KubeObject {
  readonly spec: ExecutionSpec;
  readonly status?: ExecutionStatus;
}

export const EXECUTIONS: ResourceType<Execution> = {
  group: GROUP,
  version: VERSION,
  plural: 'executions',
  kind: 'Execution',
};

const FINAL_PHASES: ReadonlySet<ExecutionPhase> = new Set([
  'Completed',
  'Failed',
  'TimedOut',
  'Crashed',
  'Cancelled',
]);

export function isFinished(execution: Execution): boolean {
  const phase = execution.status?.phase;
  return phase !== undefined && FINAL_PHASES.has(phase);
}
