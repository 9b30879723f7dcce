import { z } from 'zod';
import { LIMITS } from './limits.ts';

/** Pieces of schema that several kinds share. Descriptions end up in `kubectl explain` and in the OpenAPI document. */

/** RFC 1123 label, as JSON schema. */
export const OBJECT_NAME = {
  type: 'string',
  minLength: 1,
  maxLength: 63,
  pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
} as const;

/** A name of another object in the same namespace. */
export const objectName = z
  .string()
  .min(OBJECT_NAME.minLength)
  .max(OBJECT_NAME.maxLength)
  .regex(new RegExp(OBJECT_NAME.pattern))
  .describe('Name of an object in the same namespace.');

/**
 * resource.Quantity, restricted to what a person writes, and never zero: a limit of zero is no limit.
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 */
export const cpuQuantity = z
  .string()
  .max(16)
  .regex(/^([1-9]\d{0,5}m|[1-9]\d{0,3}(\.\d{1,3})?|0\.([1-9]\d{0,2}|0[1-9]\d?|00[1-9]))$/)
  .describe('CPU cores, such as "1", "0.5" or "500m".');

export const byteQuantity = z
  .string()
  .max(16)
  .regex(/^[1-9]\d{0,14}(Ki|Mi|Gi|Ti|k|M|G|T)?$/)
  .describe('Bytes, such as "512Mi" or "1Gi".');

export const resources = z.object({
  cpu: cpuQuantity.default('1'),
  memory: byteQuantity.default('512Mi'),
  disk: byteQuantity
    .default('1Gi')
    .describe('Size of the workspace and of scratch space, such as "1Gi".'),
});

/** Overrides for one sandbox; what is absent comes from the template. */
export const resourceOverrides = z.object({
  cpu: cpuQuantity.optional(),
  memory: byteQuantity.optional(),
  disk: byteQuantity.optional(),
});

export const envName = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/)
  .describe('Name of an environment variable.');

export const plainEnvVar = z.object({
  name: envName,
  value: z.string().max(LIMITS.envValueCharacters).default(''),
});
export type PlainEnvVar = z.infer<typeof plainEnvVar>;

export const plainEnv = z
  .array(plainEnvVar)
  .max(LIMITS.envVars)
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] });

export const executionTimeoutSeconds = z
  .int()
  .min(LIMITS.executionTimeoutSeconds.min)
  .max(LIMITS.executionTimeoutSeconds.max)
  .describe('How long one execution may run.');

export const idleSeconds = z
  .int()
  .min(0)
  .max(604_800)
  .describe('Ends or suspends a sandbox that nobody used for so long; 0: never.');
export const onIdle = z
  .enum(['Terminate', 'Suspend'])
  .describe(
    'What becomes of a sandbox that nobody used for idleSeconds. Suspend keeps its files and needs an object store.',
  );
export const lifetimeSeconds = z
  .int()
  .min(0)
  .max(2_592_000)
  .describe('Ends a sandbox of this age; 0: never.');

export const timestamp = z.string().meta({ format: 'date-time' });

export const condition = z.object({
  type: z.string().max(316),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().max(1024),
  message: z.string().max(32_768),
  lastTransitionTime: timestamp,
  observedGeneration: z.int().min(0).exactOptional(),
});

export const observedGeneration = z
  .int()
  .min(0)
  .describe('The metadata.generation that this status is about.');

export const conditions = z
  .array(condition)
  .describe('What is true of it, for programs; `kubectl wait --for=condition=...` reads them.')
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] });

/** Any JSON value, kept as it is. */
export const anyJson = z
  .unknown()
  .meta({ 'x-kubernetes-preserve-unknown-fields': true, nullable: true });

export function immutable(field: string): Record<string, unknown> {
  return {
    'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: `${field} is immutable` }],
  };
}
