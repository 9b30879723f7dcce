import { z } from 'zod';
import type { KubeObject, ResourceType } from '../kube/objects.ts';
import {
  anyJson,
  conditions,
  executionTimeoutSeconds,
  immutable,
  objectName,
  observedGeneration,
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
    sandboxRef: z
      .object({ name: objectName })
      .describe('The Sandbox that it runs in.')
      .meta(immutable('spec.sandboxRef')),
    language: z
      .enum(LANGUAGES)
      .describe('What the code is written in.')
      .meta(immutable('spec.language')),
    code: z
      .string()
      .min(1)
      .max(LIMITS.codeCharacters)
      .describe(
        'The program. If it defines `handler`, that is called and its return value is the result.',
      )
      .meta(immutable('spec.code')),
    event: z
      .record(z.string(), z.unknown())
      .default({})
      .describe('Handed to the handler as its first argument.')
      .meta(immutable('spec.event')),
    timeoutSeconds: executionTimeoutSeconds
      .optional()
      .describe('How long it may run. Absent: the sandbox or its template decides.'),
    env: plainEnv
      .default([])
      .describe("Environment of this execution; wins over the sandbox's.")
      .meta(immutable('spec.env')),
    ttlSecondsAfterFinished: z
      .int()
      .min(0)
      .max(2_592_000)
      .default(86_400)
      .describe('The object is deleted this long after it finished.')
      .meta(immutable('spec.ttlSecondsAfterFinished')),
    cancel: z
      .boolean()
      .default(false)
      .describe('Ends it, if it has not ended.')
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
  text: z.string().describe('UTF-8; of a long one its head and its tail.'),
  bytes: z.int().min(0).describe('Written by the program in all, also what was not kept.'),
  truncated: z.boolean().describe('Whether `text` is not all of it.'),
});
export type Output = z.infer<typeof output>;

/** Of the user's process and its children, not of the executor. */
export const executionMetrics = z.object({
  durationMs: z.number().min(0).describe('From start to end of the process.'),
  cpuTimeMs: z.number().min(0).optional().describe('User and system time.'),
  peakMemoryBytes: z.int().min(0).optional(),
});
export type ExecutionMetrics = z.infer<typeof executionMetrics>;

/** A file that a run changed. */
export const executionArtifact = z.object({
  path: z.string().max(4_096).describe('Relative to the workspace.'),
  size: z.int().min(0).describe('Bytes.'),
  sha256: z
    .string()
    .max(64)
    .optional()
    .describe('In hexadecimal; absent where the file was too large to be hashed in time.'),
});
export type ExecutionArtifact = z.infer<typeof executionArtifact>;

export const executionStatus = z.object({
  observedGeneration: observedGeneration.optional(),
  phase: z.enum(EXECUTION_PHASES).optional().describe('Where it is in its life.'),
  reason: z
    .enum(EXECUTION_REASONS)
    .optional()
    .describe('Why it ended as it did, or what it waits for.'),
  message: z.string().max(4_096).optional().describe('The reason in a sentence.'),
  conditions: conditions.optional(),
  exitCode: z
    .int()
    .optional()
    .describe('As a shell reports it: 124 on timeout, 128 + n when killed by signal n.'),
  signal: z.string().max(16).optional().describe('The signal that killed it, such as SIGKILL.'),
  stdout: output.optional().describe('Standard output.'),
  stderr: output.optional().describe('Standard error.'),
  returnValue: anyJson
    .optional()
    .describe('Absent when there was no handler, no return value or no success.'),
  metrics: executionMetrics
    .optional()
    .describe("Of the user's process and its children, not of the executor."),
  artifacts: z
    .array(executionArtifact)
    .max(LIMITS.artifacts)
    .optional()
    .describe('Files that it changed, but for hidden ones, by path.'),
  artifactsTruncated: z.boolean().optional().describe('It changed more files than are named.'),
  podName: z.string().optional().describe('The pod that it was handed to.'),
  podUID: z
    .string()
    .optional()
    .describe('The pod that it was handed to: it is never handed to another one.'),
  attempts: z
    .int()
    .min(0)
    .optional()
    .describe('How often it was handed to an executor; the code ran at most once.'),
  startedAt: timestamp.optional().describe('When its process began.'),
  finishedAt: timestamp.optional().describe('When the outcome was final.'),
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
