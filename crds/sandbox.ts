import { z } from 'zod';
import type { KubeObject, ResourceType } from '../kube/objects.ts';
import { dependenciesStatus, sandboxDependencies } from './dependencies.ts';
import {
  conditions,
  executionTimeoutSeconds,
  idleSeconds,
  immutable,
  lifetimeSeconds,
  objectName,
  observedGeneration,
  onIdle,
  plainEnv,
  resourceOverrides,
  resources,
  timestamp,
} from './fields.ts';
import { GROUP, VERSION } from './names.ts';
import { SANDBOX_REASONS } from './reasons.ts';
import { RUNTIMES } from './sandbox-template.ts';

/** For people; the conditions are the state machine. */
export const SANDBOX_PHASES = [
  'Pending',
  'Running',
  'Recovering',
  'Suspending',
  'Suspended',
  'Resuming',
  'Terminating',
  'Terminated',
  'Failed',
] as const;
export type SandboxPhase = (typeof SANDBOX_PHASES)[number];

export const sandboxSpec = z.object({
  templateRef: z
    .object({ name: objectName })
    .describe('The SandboxTemplate that it is made from.')
    .meta(immutable('spec.templateRef')),
  resources: resourceOverrides
    .default({})
    .describe('What is absent comes from the template.')
    .meta(immutable('spec.resources')),
  env: plainEnv
    .default([])
    .describe(
      "Environment of user code; wins over the template's. A change counts for executions that start after it.",
    ),
  timeouts: z
    .object({
      executionSeconds: executionTimeoutSeconds.optional(),
      idleSeconds: idleSeconds.optional(),
      onIdle: onIdle.optional(),
      lifetimeSeconds: lifetimeSeconds.optional(),
    })
    .default({})
    .describe('What is absent comes from the template.'),
  dependencies: sandboxDependencies
    .prefault({})
    .describe('Packages for its code. Executions wait for their first installation.'),
  desiredState: z
    .enum(['Running', 'Suspended', 'Terminated'])
    .default('Running')
    .describe(
      'Suspended stores its workspace and frees its pod, once nothing is left to run; Running, or an execution that comes, brings it back. Terminated ends it and keeps the object; there is no way back.',
    )
    .meta({
      'x-kubernetes-validations': [
        {
          rule: "oldSelf != 'Terminated' || self == oldSelf",
          message: 'a terminated sandbox does not start again; create a new one',
        },
      ],
    }),
});
export type SandboxSpec = z.infer<typeof sandboxSpec>;

export const sandboxStatus = z.object({
  observedGeneration: observedGeneration.optional(),
  phase: z.enum(SANDBOX_PHASES).optional().describe('Where it is in its life.'),
  reason: z.enum(SANDBOX_REASONS).optional().describe('Why it is in its phase.'),
  message: z.string().max(4_096).optional().describe('The reason in a sentence.'),
  conditions: conditions.optional(),
  podName: z.string().optional().describe('The pod that serves it.'),
  podUID: z.string().optional(),
  nodeName: z.string().optional().describe('Where that pod runs.'),
  warmStart: z.boolean().optional().describe('Whether that pod came from a warm pool.'),
  restarts: z.int().min(0).optional().describe('How often a lost pod was replaced.'),
  suspensions: z.int().min(0).optional().describe('How often it was suspended.'),
  suspendedAt: timestamp
    .optional()
    .describe(
      'When its last suspension began: an older execution may have been handed to the pod of before.',
    ),
  resumedAt: timestamp.optional().describe('When it was last asked to serve again.'),
  lostAt: timestamp
    .optional()
    .describe(
      'When a pod that had been ready was last lost: an older execution may have been handed to that pod.',
    ),
  lossesInARow: z
    .int()
    .min(0)
    .optional()
    .describe('Pods lost one after the other without a minute of being ready between them.'),
  nextAttemptAt: timestamp.optional().describe('No new pod is made before then.'),
  readyAt: timestamp.optional().describe('When the pod that serves now was first seen ready.'),
  lastActivityTime: timestamp
    .optional()
    .describe('The last use that is known; asked for when the idle deadline comes due.'),
  idleDeadline: timestamp
    .optional()
    .describe('It is not ended or suspended for idleness before then.'),
  expiresAt: timestamp.optional().describe('When its lifetime is over.'),
  terminatedAt: timestamp.optional().describe('When it ended.'),
  inherited: z
    .object({
      runtime: z.enum(RUNTIMES),
      resources,
      idleSeconds,
      onIdle: onIdle.optional(),
    })
    .optional()
    .describe('What its template said when it was first looked at; it outlives the template.'),
  dependencies: dependenciesStatus
    .optional()
    .describe('How far the installation of its packages is.'),
});
export type SandboxStatus = z.infer<typeof sandboxStatus>;

export interface Sandbox extends KubeObject {
  readonly spec: SandboxSpec;
  readonly status?: SandboxStatus;
}

export const SANDBOXES: ResourceType<Sandbox> = {
  group: GROUP,
  version: VERSION,
  plural: 'sandboxes',
  kind: 'Sandbox',
};

/** A phase that is never left. */
export function isEnded(sandbox: Sandbox): boolean {
  return sandbox.status?.phase === 'Terminated' || sandbox.status?.phase === 'Failed';
}

/** The number of the pod that serves it, or is to serve it next: neither a lost pod nor one that was given up comes back. */
export function incarnationOf({ status }: Sandbox): number {
  return (status?.restarts ?? 0) + (status?.suspensions ?? 0);
}
