import { z } from 'zod';
import type { KubeObject, ResourceType } from '../kube/objects.ts';
import { templateDependencies } from './dependencies.ts';
import {
  conditions,
  cpuQuantity,
  envName,
  executionTimeoutSeconds,
  idleSeconds,
  lifetimeSeconds,
  observedGeneration,
  onIdle,
  resources,
} from './fields.ts';
import { LIMITS } from './limits.ts';
import { GROUP, VERSION } from './names.ts';

export const RUNTIMES = ['python3.11', 'nodejs20', 'java17', 'go1.21'] as const;
export type Runtime = (typeof RUNTIMES)[number];

const secretKeyRef = z.object({
  name: z.string().min(1).max(253),
  key: z.string().min(1).max(253),
});

const templateEnvVar = z
  .object({
    name: envName,
    value: z.string().max(LIMITS.envValueCharacters).optional(),
    valueFrom: z.object({ secretKeyRef }).optional(),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: '!(has(self.value) && has(self.valueFrom))',
        message: 'give either value or valueFrom, not both',
      },
    ],
  });

const toleration = z.object({
  key: z.string().max(316).optional(),
  operator: z.enum(['Exists', 'Equal']).optional(),
  value: z.string().max(63).optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']).optional(),
  tolerationSeconds: z.int().optional(),
});

export const sandboxTemplateSpec = z.object({
  displayName: z.string().max(255).optional().describe('Name for people.'),
  image: z.string().min(1).max(512).describe('Image with the executor and the runtime in it.'),
  imagePullPolicy: z
    .enum(['Always', 'IfNotPresent', 'Never'])
    .default('IfNotPresent')
    .describe('As in a pod.'),
  imagePullSecrets: z
    .array(z.object({ name: z.string().min(1).max(253) }))
    .max(16)
    .default([])
    .describe('Secrets for the registry of the image, as in a pod.'),
  runtime: z.enum(RUNTIMES).default('python3.11').describe('What the image is made for.'),
  resources: resources
    .extend({
      cpuRequest: cpuQuantity
        .optional()
        .describe(
          'What a node sets aside for a sandbox that does not say how much cpu it wants; absent: all of cpu. Less puts more sandboxes on a node than can compute at once.',
        ),
    })
    .prefault({})
    .describe('What each sandbox gets: limit and request at once, but for cpuRequest.'),
  env: z
    .array(templateEnvVar)
    .max(LIMITS.envVars)
    .default([])
    .describe('Environment of user code.')
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] }),
  timeouts: z
    .object({
      executionSeconds: executionTimeoutSeconds.default(LIMITS.executionTimeoutSeconds.default),
      idleSeconds: idleSeconds.default(1_800),
      onIdle: onIdle.default('Terminate'),
      lifetimeSeconds: lifetimeSeconds.default(21_600),
    })
    .prefault({})
    .describe('Hold where a sandbox says nothing else.'),
  executions: z
    .object({
      maxConcurrent: z
        .int()
        .min(LIMITS.concurrentExecutions.min)
        .max(LIMITS.concurrentExecutions.max)
        .default(LIMITS.concurrentExecutions.default)
        .describe(
          'How many executions of one sandbox run at once; further ones wait for their turn in the order of their creation.',
        ),
    })
    .prefault({})
    .describe('How executions share a sandbox.'),
  dependencies: templateDependencies
    .prefault({})
    .describe('Packages that its sandboxes have from the start.'),
  isolation: z
    .object({
      runtimeClassName: z
        .string()
        .max(253)
        .optional()
        .describe('RuntimeClass of the pods, such as gVisor or Kata Containers.'),
    })
    .prefault({})
    .describe('What stands between sandboxes and the node, beyond a container.'),
  scheduling: z
    .object({
      nodeSelector: z.record(z.string(), z.string()).default({}),
      tolerations: z.array(toleration).max(32).default([]),
      podsPerNode: z
        .int()
        .min(0)
        .max(LIMITS.podsPerNode.max)
        .default(LIMITS.podsPerNode.default)
        .describe(
          'Nodes that run pods of this template, and fewer than so many, are preferred: they have the image. 0: none is.',
        ),
    })
    .prefault({})
    .describe('Which nodes the pods may run on, as in a pod, and on which they had better.'),
  warmPool: z
    .object({
      size: z
        .int()
        .min(0)
        .max(LIMITS.warmPoolSize)
        .default(0)
        .describe('How many started pods wait to become sandboxes.'),
    })
    .prefault({})
    .describe('Pods that are started before a sandbox asks for one.'),
});
export type SandboxTemplateSpec = z.infer<typeof sandboxTemplateSpec>;

export const sandboxTemplateStatus = z.object({
  observedGeneration: observedGeneration.optional(),
  sandboxes: z
    .int()
    .min(0)
    .optional()
    .meta({ description: 'Sandboxes of this template that have not ended.' }),
  warmPool: z
    .object({
      replicas: z.int().min(0).describe('Pods that wait or are about to.'),
      ready: z.int().min(0).describe('Those that a sandbox can have at once.'),
      selector: z
        .string()
        .max(512)
        .describe('Finds the pods of the pool, and those that sandboxes took from it.'),
    })
    .optional()
    .describe('Of spec.warmPool.'),
  conditions: conditions.optional(),
});
export type SandboxTemplateStatus = z.infer<typeof sandboxTemplateStatus>;

export interface SandboxTemplate extends KubeObject {
  readonly spec: SandboxTemplateSpec;
  readonly status?: SandboxTemplateStatus;
}

export const SANDBOX_TEMPLATES: ResourceType<SandboxTemplate> = {
  group: GROUP,
  version: VERSION,
  plural: 'sandboxtemplates',
  kind: 'SandboxTemplate',
};
