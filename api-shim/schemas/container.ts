import { z } from 'zod';
import { integer, pageOf, paging, timestamp } from './fields.ts';

export const CONTAINER_STATUSES = ['creating', 'running', 'exited', 'removing'] as const;

export const containerResponse = z
  .object({
    container_id: z.string().meta({ description: 'Name of the pod, as in the session.' }),
    pod_name: z.string(),
    session_id: z.string(),
    template_id: z.string(),
    runtime_type: z
      .enum(['docker', 'kubernetes', 'process'])
      .meta({ description: 'docker and process: on the machine of a local run.' }),
    status: z.enum(CONTAINER_STATUSES),
    reason: z
      .string()
      .nullable()
      .meta({ description: 'Why it waits or ended, in the words of Kubernetes.' }),
    exit_code: z.int().nullable(),
    image: z.string(),
    node_name: z.string().nullable(),
    resources: z.object({
      cpu: z.string().nullable(),
      memory: z.string().nullable(),
      disk: z.string().nullable(),
    }),
    created_at: timestamp,
    started_at: timestamp.nullable(),
    uptime_seconds: z.number().min(0).meta({ description: '0 unless it runs.' }),
  })
  .meta({
    id: 'Container',
    examples: [
      {
        container_id: 'sess-20261124-fcd4af56-1b2c3d4e5f',
        pod_name: 'sess-20261124-fcd4af56-1b2c3d4e5f',
        session_id: 'sess_20261124_fcd4af56',
        template_id: 'python-basic',
        runtime_type: 'kubernetes',
        status: 'running',
        reason: null,
        exit_code: null,
        image: 'sandbox-template-python-basic:latest',
        node_name: 'node-1',
        resources: { cpu: '1', memory: '512Mi', disk: '1Gi' },
        created_at: '2026-11-24T07:02:20Z',
        started_at: '2026-11-24T07:02:21Z',
        uptime_seconds: 12.3,
      },
    ],
  });
export type ContainerResponse = z.output<typeof containerResponse>;

export const listContainersQuery = z.object({
  status: z.string().optional().meta({ description: 'Exact; an unknown one finds nothing.' }),
  session_id: z.string().optional().meta({ description: 'Exact.' }),
  ...paging,
});

export const containerPage = pageOf(containerResponse, 'ContainerPage');
export const containerPath = z.object({
  container_id: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, 'must be the name of a pod')
    .meta({ example: 'sess-20261124-fcd4af56-1b2c3d4e5f' }),
});

export const containerLogQuery = z.object({
  tail: integer(0, 10_000).default(100).meta({ description: 'The last lines, so many of them.' }),
  since: z
    .union([
      timestamp.meta({ description: 'A time with its zone.' }),
      z.coerce.number().int().min(1).max(2_592_000).meta({ description: 'Seconds ago.' }),
    ])
    .optional()
    .meta({ description: 'Nothing older: a time, or seconds ago.', example: '60' }),
  follow: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .meta({ description: 'Goes on with what is written later.', override: { type: 'boolean' } }),
  timestamps: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true')
    .meta({ description: 'Each line begins with its time.', override: { type: 'boolean' } }),
});

export const containerLogText = z.string().meta({
  id: 'ContainerLog',
  description:
    'Lines of the daemon in the container, in JSON; output of executions is not among them.',
  examples: ['{"level":"info","message":"listening","component":"executor"}\n'],
});
