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
  SANDBOX_MARIADB_IMAGE: z.string().min(1).default('mariadb:lts'),
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
  /** Where history is kept; absent: in a container of `mariaDbImage`, if that can be had. */
  readonly databaseUrl: string | undefined;
  /** Absent: none is to be started. */
  readonly mariaDbImage: string | undefined;
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
    mariaDbImage: given.SANDBOX_MARIADB_IMAGE === 'none' ? undefined : given.SANDBOX_MARIADB_IMAGE,
    logLevel: given.SANDBOX_LOG_LEVEL,
  };
}
