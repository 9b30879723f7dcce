import { z } from 'zod';
import { RUNTIMES } from '../../crds/sandbox-template.ts';
import { SANDBOX_REASONS } from '../../crds/reasons.ts';
import { SESSION_STATUSES } from '../../crds/rest-status.ts';
import { DEFAULT_INDEX_URL } from '../../crds/dependencies.ts';
import { dependencies, packageIndex } from './dependencies.ts';
import { cursor } from './cursor.ts';
import {
  envVars,
  integer,
  ON_IDLE,
  onIdle,
  historyPageOf,
  paging,
  restId,
  timestamp,
} from './fields.ts';

/** Text that says a finite number, or thousandths of a core as Kubernetes writes them. Which numbers are allowed is `isCpu`. */
const cpu = z
  .string()
  .regex(/^([+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|\d+m)$/, 'must be a number, such as "1" or "0.5"')
  .meta({ description: 'CPU cores.', example: '1' });
const memory = z.string().meta({ description: 'Whole number with Mi or Gi.', example: '512Mi' });
const disk = z.string().meta({ description: 'Whole number with Mi or Gi.', example: '1Gi' });

const amounts = { cpu: cpu.optional(), memory: memory.optional(), disk: disk.optional() };

/** What a session may use, in both spellings. */
export const quantities = {
  ...amounts,
  resources: z.object(amounts).nullish().meta({
    description:
      "The same as cpu, memory and disk beside it, which win. What is left out is the template's to say.",
  }),
};

export const createSessionRequest = z
  .object({
    id: restId.nullish().meta({ description: 'Chosen by the client, else generated.' }),
    template_id: restId,
    timeout: integer(1, 3600).nullish().meta({
      description:
        "Ends the session when it was unused for so many seconds. Left out: as its template's default_timeout says.",
    }),
    on_idle: onIdle.nullish(),
    ...quantities,
    env_vars: envVars.default({}),
    event: z.record(z.string(), z.unknown()).nullish().meta({ description: 'Ignored.' }),
    dependencies: dependencies
      .default([])
      .meta({ description: 'Installed when the sandbox is ready; executions wait for it.' }),
    install_timeout: integer(30, 1800)
      .default(300)
      .meta({ description: 'Seconds that an installation may take.' }),
    fail_on_dependency_error: z.boolean().default(true),
    allow_version_conflicts: z.boolean().default(false),
    python_package_index_url: packageIndex,
  })
  .meta({
    id: 'CreateSession',
    examples: [
      {
        template_id: 'python-basic',
        timeout: 300,
        resources: { cpu: '1', memory: '512Mi', disk: '1Gi' },
      },
    ],
  });
export type CreateSessionRequest = z.output<typeof createSessionRequest>;

const requestedDependency = z.object({ name: z.string(), version: z.string().nullable() });
const installedDependency = z.object({
  name: z.string(),
  version: z.string(),
  install_location: z.string(),
  install_time: timestamp,
  is_from_template: z.boolean(),
});

export const sessionResponse = z
  .object({
    id: z.string(),
    template_id: z.string(),
    status: z.enum(SESSION_STATUSES).meta({
      description:
        'creating also while a lost pod is replaced or a suspended one resumes; executions sent meanwhile wait. suspending until all files are stored; an execution wakes a suspended one. completed and timeout are not used.',
    }),
    reason: z.enum(SANDBOX_REASONS).nullable().meta({ description: 'Why it is in this status.' }),
    message: z.string().nullable().meta({ description: 'The reason in a sentence.' }),
    resource_limit: z
      .object({ cpu: z.string(), memory: z.string(), disk: z.string(), max_processes: z.int() })
      .nullable(),
    workspace_path: z.string().nullable().meta({
      description:
        'Where the files of the session are kept, for whoever may look there; null where they end with its sandbox.',
    }),
    language_runtime: z
      .enum(RUNTIMES)
      .nullable()
      .meta({ description: 'Of the template; null once that is deleted.' }),
    runtime_type: z
      .enum(RUNTIMES)
      .nullable()
      .meta({ description: 'The same as language_runtime.' }),
    runtime_node: z.string().nullable(),
    container_id: z.string().nullable().meta({ description: 'Name of the pod.' }),
    pod_name: z.string().nullable(),
    env_vars: z.record(z.string(), z.string()),
    timeout: z.int(),
    on_idle: z.enum(ON_IDLE).meta({ description: 'What becomes of it when timeout is over.' }),
    python_package_index_url: z.string(),
    requested_dependencies: z.array(requestedDependency),
    installed_dependencies: z.array(installedDependency),
    dependency_install_status: z.enum(['pending', 'installing', 'completed', 'failed']),
    dependency_install_error: z.string().nullable(),
    dependency_install_started_at: timestamp.nullable(),
    dependency_install_completed_at: timestamp.nullable(),
    created_at: timestamp,
    updated_at: timestamp,
    completed_at: timestamp.nullable().meta({ description: 'When it ended.' }),
    suspended_at: timestamp
      .nullable()
      .meta({ description: 'Since when it is suspended; null if it is not.' }),
    last_activity_at: timestamp.nullable(),
  })
  .meta({
    id: 'Session',
    examples: [
      {
        id: 'sess_20261124_fcd4af56',
        template_id: 'python-basic',
        status: 'running',
        reason: 'ExecutorAnswering',
        message: null,
        resource_limit: { cpu: '1', memory: '512Mi', disk: '1Gi', max_processes: 128 },
        workspace_path: 's3://sandbox-files/sessions/5e0c8a52-7d4b-4f5e-9a53-0d6f3f0f8c1a',
        language_runtime: 'python3.11',
        runtime_type: 'python3.11',
        runtime_node: 'node-1',
        container_id: 'sess-20261124-fcd4af56-1b2c3d4e5f',
        pod_name: 'sess-20261124-fcd4af56-1b2c3d4e5f',
        env_vars: {},
        timeout: 300,
        on_idle: 'terminate',
        python_package_index_url: DEFAULT_INDEX_URL,
        requested_dependencies: [],
        installed_dependencies: [],
        dependency_install_status: 'completed',
        dependency_install_error: null,
        dependency_install_started_at: null,
        dependency_install_completed_at: null,
        created_at: '2026-11-24T07:02:20.607Z',
        updated_at: '2026-11-24T07:02:22Z',
        completed_at: null,
        suspended_at: null,
        last_activity_at: '2026-11-24T07:02:20.607Z',
      },
    ],
  });
export type SessionResponse = z.output<typeof sessionResponse>;

export const listSessionsQuery = z.object({
  status: z.string().optional().meta({ description: 'Exact; an unknown one finds nothing.' }),
  template_id: z.string().optional().meta({ description: 'Exact.' }),
  created_after: timestamp.optional().meta({ description: 'Created later than this.' }),
  created_before: timestamp.optional().meta({ description: 'Created earlier than this.' }),
  cursor,
  ...paging,
});

export const sessionPage = historyPageOf(sessionResponse, 'SessionPage');
export const sessionPath = z.object({
  session_id: restId.meta({ example: 'sess_20261124_fcd4af56' }),
});

/** Both spellings of where the executions of a session are. */
export const OF_SESSION = [
  '/api/v1/sessions/{session_id}',
  '/api/v1/executions/sessions/{session_id}',
] as const;
