import { z } from 'zod';
import { LIMITS } from '../../crds/limits.ts';
import { RUNTIMES } from '../../crds/sandbox-template.ts';
import { preInstalled } from './dependencies.ts';
import { decimal, examplesOf, envVars, integer, onIdle, restId, timestamp } from './fields.ts';

const defaults = {
  default_cpu_cores: decimal(0.1, 4),
  default_memory_mb: integer(128, 8192),
  default_disk_mb: integer(256, 51_200),
  default_timeout: integer(60, 3600).meta({
    description: 'Idle seconds after which a session of it ends.',
  }),
  default_on_idle: onIdle,
};
const { min, max, default: standard } = LIMITS.concurrentExecutions;
const maxConcurrent = integer(min, max);
const name = z.string().min(1).max(255);
const image = z.string().min(1).max(512).meta({ example: 'sandbox-template-python-basic:latest' });

/** Answers say `default_timeout_sec`, so clients send that back; both are read. */
function withTimeoutAlias(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !('default_timeout_sec' in body)) return body;
  return { default_timeout: body.default_timeout_sec, ...body };
}

export const createTemplateRequest = z
  .preprocess(
    withTimeoutAlias,
    z.object({
      id: restId,
      name,
      image_url: image,
      runtime_type: z.enum(RUNTIMES),
      default_cpu_cores: defaults.default_cpu_cores.default(0.5),
      default_memory_mb: defaults.default_memory_mb.default(512),
      default_disk_mb: defaults.default_disk_mb.default(1024),
      default_timeout: defaults.default_timeout.default(300),
      default_on_idle: defaults.default_on_idle.nullish(),
      default_env_vars: envVars.nullish(),
      pre_installed_packages: preInstalled.nullish(),
      max_concurrent_executions: maxConcurrent.default(standard).meta({
        description:
          'Executions of one session that run at once; further ones wait for their turn.',
      }),
    }),
  )
  .meta({
    id: 'CreateTemplate',
    examples: [
      {
        id: 'python-large',
        name: 'Python, large',
        image_url: 'sandbox-template-python-basic:latest',
        runtime_type: 'python3.11',
        default_cpu_cores: 2,
        default_memory_mb: 2048,
      },
    ],
  });
export type CreateTemplateRequest = z.output<typeof createTemplateRequest>;

export const updateTemplateRequest = z
  .preprocess(
    withTimeoutAlias,
    z.object({
      name: name.nullish(),
      image_url: image.nullish(),
      default_cpu_cores: defaults.default_cpu_cores.nullish(),
      default_memory_mb: defaults.default_memory_mb.nullish(),
      default_disk_mb: defaults.default_disk_mb.nullish(),
      default_timeout: defaults.default_timeout.nullish(),
      default_on_idle: defaults.default_on_idle.nullish(),
      default_env_vars: envVars.nullish(),
      pre_installed_packages: preInstalled.nullish(),
      max_concurrent_executions: maxConcurrent.nullish(),
    }),
  )
  .meta({ id: 'UpdateTemplate', examples: [{ default_cpu_cores: 2, default_memory_mb: 1024 }] });
export type UpdateTemplateRequest = z.output<typeof updateTemplateRequest>;

export const templateResponse = z
  .object({
    id: z.string(),
    name: z.string(),
    image_url: z.string(),
    runtime_type: z.enum(RUNTIMES),
    default_cpu_cores: z.number(),
    default_memory_mb: z.int(),
    default_disk_mb: z.int(),
    default_timeout_sec: z.int(),
    default_on_idle: onIdle,
    default_env_vars: z
      .record(z.string(), z.string())
      .nullable()
      .meta({ description: 'Without those that come from a Secret; null if there are none.' }),
    pre_installed_packages: z.array(z.object({ name: z.string(), version: z.string().nullable() })),
    max_concurrent_executions: z.int(),
    is_active: z.boolean().meta({ description: 'False if it cannot be used.' }),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({
    id: 'Template',
    examples: [
      {
        id: 'python-basic',
        name: 'Python Basic',
        image_url: 'sandbox-template-python-basic:latest',
        runtime_type: 'python3.11',
        default_cpu_cores: 1,
        default_memory_mb: 512,
        default_disk_mb: 1024,
        default_timeout_sec: 300,
        default_on_idle: 'terminate',
        default_env_vars: null,
        pre_installed_packages: [],
        max_concurrent_executions: 16,
        is_active: true,
        created_at: '2026-11-24T07:00:00Z',
        updated_at: '2026-11-24T07:00:00Z',
      },
    ],
  });
export type TemplateResponse = z.output<typeof templateResponse>;

export const listTemplatesQuery = z.object({
  limit: integer(0, Number.MAX_SAFE_INTEGER).default(50),
  offset: integer(0, Number.MAX_SAFE_INTEGER).default(0),
});
export const templateList = z
  .array(templateResponse)
  .meta({ id: 'TemplateList', examples: [examplesOf(templateResponse)] });
export const templateDeleted = z
  .object({ message: z.string() })
  .meta({ id: 'TemplateDeleted', examples: [{ message: 'Template deleted successfully' }] });
export const templatePath = z.object({ template_id: restId.meta({ example: 'python-basic' }) });
