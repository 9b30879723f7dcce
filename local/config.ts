import path from 'node:path';
import { z } from 'zod';
import { databaseUrl } from '../storage/history/database-url.ts';

const port = z.coerce.number().int().min(0).max(65_535);

const environment = z.object({
  SANDBOX_PORT: port.default(8000),
  SANDBOX_KUBE_PORT: port.default(6444),
  SANDBOX_STATE: z.string().min(1).default('.local'),
  SANDBOX_RUNNER: z.enum(['docker', 'process']).optional(),
  SANDBOX_CALLERS_FILE: z.string().min(1).optional(),
  DATABASE_URL: databaseUrl.optional(),
  SANDBOX_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});

/** What a person can change about a local run, all through the environment. */
export interface LocalConfig {
  /** Of the REST API; loopback only. */
  readonly port: number;
  /** Of the Kubernetes API; loopback only. */
  readonly kubePort: number;
  /** Absolute path of the folder that holds everything a local run keeps. */
  readonly stateFolder: string;
  /** Absent: Docker where an engine answers, else processes. */
  readonly runner: 'docker' | 'process' | undefined;
  /** Who may call the REST API (api-shim/auth/callers.ts), as an absolute path; absent: everybody on this machine. */
  readonly callersFile: string | undefined;
  /** Where history is kept; absent: there is none. */
  readonly databaseUrl: string | undefined;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}

/** Throws a ZodError that names the variable at fault. */
export function localConfig(env: Readonly<Record<string, string | undefined>>): LocalConfig {
  const given = environment.parse(env);
  return {
    port: given.SANDBOX_PORT,
    kubePort: given.SANDBOX_KUBE_PORT,
    stateFolder: path.resolve(given.SANDBOX_STATE),
    runner: given.SANDBOX_RUNNER,
    callersFile:
      given.SANDBOX_CALLERS_FILE === undefined
        ? undefined
        : path.resolve(given.SANDBOX_CALLERS_FILE),
    databaseUrl: given.DATABASE_URL,
    logLevel: given.SANDBOX_LOG_LEVEL,
  };
}
