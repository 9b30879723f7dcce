import { isIP } from 'node:net';
import { z } from 'zod';
import { databaseUrl } from '../storage/history/database-url.ts';

const list = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );

const environment = z.object({
  SANDBOX_HOST: z.string().min(1).default('127.0.0.1'),
  SANDBOX_PORT: z.coerce.number().int().min(0).max(65_535).default(8000),
  SANDBOX_HEALTH_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  SANDBOX_NAMESPACE: list,
  SANDBOX_CALLERS_FILE: z.string().min(1).optional(),
  SANDBOX_TOKEN_AUDIENCE: z.string().min(1).optional(),
  DATABASE_URL: databaseUrl.optional(),
  SANDBOX_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  SANDBOX_SIGNING_KEY_FILE: z.string().min(1),
  SANDBOX_CORS_ORIGINS: list,
  SANDBOX_ALLOWED_HOSTS: list,
  SANDBOX_ALLOW_UNAUTHENTICATED: z.enum(['true', 'false']).default('false'),
});

/** Settings of the REST API as a process of its own. */
export interface ApiConfig {
  readonly host: string;
  readonly port: number;
  /** Of /healthz, /readyz and /metrics, on all addresses; absent: they are not served. */
  readonly healthPort: number | undefined;
  /** Those that are served; the first is that of callers without one of their own. */
  readonly namespaces: readonly [string, ...string[]];
  /** Who may call (auth/callers.ts); absent: everybody. */
  readonly callersFile: string | undefined;
  /** What Kubernetes tokens of callers must be meant for; absent: they are not accepted. */
  readonly tokenAudience: string | undefined;
  /** Where history is kept; absent: there is none. A secret. */
  readonly databaseUrl: string | undefined;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  /** An Ed25519 private key in PKCS#8 PEM, the operator's, which signs what is sent to executors. */
  readonly signingKeyFile: string;
  readonly corsOrigins: readonly string[];
  /** Absent: those of loopback, or any where it listens beyond that. */
  readonly allowedHosts: readonly string[] | 'any' | undefined;
}

/** A setting that is well-formed but not safe. */
export class UnsafeConfigError extends Error {
  override readonly name = 'UnsafeConfigError';
  readonly code = 'UnsafeConfig';
  readonly retryable = false;
}

/** Throws a ZodError that names the variable at fault, or UnsafeConfigError. */
export function apiConfig(env: Readonly<Record<string, string | undefined>>): ApiConfig {
  const given = environment.parse(env);
  const local = isLoopback(given.SANDBOX_HOST);
  const isOpen =
    given.SANDBOX_CALLERS_FILE === undefined && given.SANDBOX_ALLOW_UNAUTHENTICATED !== 'true';
  if (!local && isOpen) throw beyondLoopback(given.SANDBOX_HOST);
  if (given.SANDBOX_TOKEN_AUDIENCE !== undefined && given.SANDBOX_CALLERS_FILE === undefined)
    throw withoutCallers();
  const hosts = given.SANDBOX_ALLOWED_HOSTS;
  const [first = 'default', ...others] = given.SANDBOX_NAMESPACE;
  return {
    host: given.SANDBOX_HOST,
    port: given.SANDBOX_PORT,
    healthPort: given.SANDBOX_HEALTH_PORT,
    namespaces: [first, ...others],
    callersFile: given.SANDBOX_CALLERS_FILE,
    tokenAudience: given.SANDBOX_TOKEN_AUDIENCE,
    databaseUrl: given.DATABASE_URL,
    logLevel: given.SANDBOX_LOG_LEVEL,
    signingKeyFile: given.SANDBOX_SIGNING_KEY_FILE,
    corsOrigins: given.SANDBOX_CORS_ORIGINS,
    allowedHosts: hosts.length > 0 ? hosts : local ? undefined : 'any',
  };
}

/** A name other than localhost may resolve to anything, so it counts as beyond loopback. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function withoutCallers(): UnsafeConfigError {
  return new UnsafeConfigError(
    'SANDBOX_TOKEN_AUDIENCE accepts tokens only of users and groups that the file of SANDBOX_CALLERS_FILE names; without one everybody may call.',
  );
}

function beyondLoopback(host: string): UnsafeConfigError {
  return new UnsafeConfigError(
    `SANDBOX_HOST=${host} would let everyone who reaches this machine run code. ` +
      'Name those who may call in the file of SANDBOX_CALLERS_FILE (node api-shim/make-key.ts makes keys), keep it on 127.0.0.1, ' +
      'or set SANDBOX_ALLOW_UNAUTHENTICATED=true if something in front of it authenticates.',
  );
}
