import { z } from 'zod';
import { FILE_DIFFERENCES, LIVE_DIFFERENCES, ROW_DIFFERENCES } from '../differences.ts';
import { DEPENDENCY_STATES } from '../probes.ts';

const base = {
  status: z.enum(['healthy', 'degraded']),
  version: z.string(),
  uptime: z.number().min(0).meta({ description: 'Seconds since this process started.' }),
};

export const healthResponse = z.object({ ...base, status: z.literal('healthy') }).meta({
  id: 'Health',
  examples: [{ status: 'healthy', version: '0.1.0', uptime: 12.5 }],
});

const dependency = z.enum(DEPENDENCY_STATES);

export const detailedHealthResponse = z
  .object({
    ...base,
    dependencies: z.object({
      database: dependency.meta({ description: 'Where history is kept.' }),
      storage: dependency.meta({ description: 'Where files are kept.' }),
      kubernetes_api: dependency,
      runtime_nodes: dependency.meta({
        description: 'Unhealthy if on some node with live sessions none of those asked answers.',
      }),
    }),
  })
  .meta({
    id: 'DetailedHealth',
    examples: [
      {
        status: 'healthy',
        version: '0.1.0',
        uptime: 12.5,
        dependencies: {
          database: 'disabled',
          storage: 'disabled',
          kubernetes_api: 'healthy',
          runtime_nodes: 'healthy',
        },
      },
    ],
  });

const count = z.int().min(0);
const difference = z.enum([...LIVE_DIFFERENCES, ...ROW_DIFFERENCES, ...FILE_DIFFERENCES]);

export const syncResponse = z
  .object({
    status: z.literal('success'),
    message: z.string(),
    result: z.object({
      checked: z.int().min(0).meta({ description: 'Sessions that have not ended by request.' }),
      healthy: z.int().min(0).meta({ description: 'Running.' }),
      unhealthy: z.int().min(0).meta({ description: 'Starting, being recovered or failed.' }),
      recovered: z
        .int()
        .min(0)
        .meta({ description: 'Running or on their way to it on a replaced pod.' }),
      failed: z.int().min(0).meta({ description: 'Failed for good.' }),
      errors: z.array(z.string()).meta({ description: 'What could not be looked at.' }),
      differences: z.partialRecord(difference, z.object({ found: count, repaired: count })).meta({
        description:
          'What was out of step, by kind, and how many of those found were not any more in the end. Rows are absent without a history, files without an object store.',
      }),
    }),
  })
  .meta({
    id: 'StateSync',
    examples: [
      {
        status: 'success',
        message: 'State sync completed',
        result: {
          checked: 6,
          healthy: 5,
          unhealthy: 1,
          recovered: 0,
          failed: 1,
          errors: [],
          differences: {
            pods_without_session: { found: 1, repaired: 0 },
            sessions_without_pod: { found: 1, repaired: 1 },
            executions_without_session: { found: 0, repaired: 0 },
            executions_without_executor: { found: 0, repaired: 0 },
          },
        },
      },
    ],
  });

export const rootResponse = z
  .object({
    name: z.string(),
    version: z.string(),
    status: z.literal('operational'),
    features: z.array(z.string()),
    documentation: z.object({ swagger: z.string(), openapi: z.string() }),
  })
  .meta({
    id: 'Root',
    examples: [
      {
        name: 'Sandbox Control Plane',
        version: '0.1.0',
        status: 'operational',
        features: ['session_management', 'code_execution', 'template_management'],
        documentation: { swagger: '/docs', openapi: '/openapi.json' },
      },
    ],
  });
