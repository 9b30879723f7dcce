import { z } from 'zod';
import type { KubeObject, ResourceType } from '../kube/objects.ts';
import {
  conditions,
  executionTimeoutSeconds,
  idleSeconds,
  immutable,
  lifetimeSeconds,
  objectName,
  plainEnv,
  resourceOverrides,
  timestamp,
} from './fields.ts';
import { GROUP, VERSION } from './names.ts';
import { SANDBOX_REASONS } from './reasons.ts';

/** For people; the conditions are the state machine. */
export const SANDBOX_PHASES = [
  'Pending',
  'Running',
  'Recovering',
  'Terminating',
  'Terminated',
  'Failed',
] as const;
export type SandboxPhase = (typeof SANDBOX_PHASES)[number];

export const sandboxSpec = z.object({
  templateRef: z.object({ name: objectName }).meta(immutable('spec.templateRef')),
  resources: resourceOverrides.default({}).meta(immutable('spec.resources')),
  env: plainEnv.default([]).meta(immutable('spec.env')),
  timeouts: z
    .object({
      executionSeconds: executionTimeoutSeconds.optional(),
      idleSeconds: idleSeconds.optional(),
      lifetimeSeconds: lifetimeSeconds.optional(),
    })
    .default({})
    .meta({ description: 'What is absent comes from the template.' }),
  desiredState: z
    .enum(['Running', 'Terminated'])
    .default('Running')
    .meta({
      'x-kubernetes-validations': [
        {
          rule: "oldSelf == 'Running' || self == oldSelf",
          message: 'a terminated sandbox does not start again; create a new one',
        },
      ],
    }),
});
export type SandboxSpec = z.infer<typeof sandboxSpec>;

export const sandboxStatus = z.object({
  observedGeneration: z.int().min(0).optional(),
  phase: z.enum(SANDBOX_PHASES).optional(),
  reason: z.enum(SANDBOX_REASONS).optional(),
  message: z.string().max(4_096).optional(),
  conditions: conditions.optional(),
  podName: z.string().optional(),
  podUID: z.string().optional(),
  nodeName: z.string().optional(),
  /** How often a lost pod was replaced. */
  restarts: z.int().min(0).optional(),
  /** When a pod that had been ready was last lost: an older execution may have been handed to that pod. */
  lostAt: timestamp.optional(),
  /** Pods lost one after the other without a minute of being ready between them. */
  lossesInARow: z.int().min(0).optional(),
  /** No new pod is made before then. */
  nextAttemptAt: timestamp.optional(),
  /** When the pod that serves now was first seen ready. */
  readyAt: timestamp.optional(),
  lastActivityTime: timestamp.optional(),
  idleDeadline: timestamp.optional(),
  expiresAt: timestamp.optional(),
  terminatedAt: timestamp.optional(),
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
