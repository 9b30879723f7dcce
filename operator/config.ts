import { isIPv6 } from 'node:net';
import { z } from 'zod';
import { databaseUrl } from '../storage/history/database-url.ts';
import { DEFAULT_RETENTION, type Retention } from '../storage/history/retention.ts';
import { DEFAULT_SETTINGS, type Settings } from './settings.ts';

const days = z.coerce.number().int().min(1).max(36_500);
const milliseconds = z.coerce.number().int().min(0).optional();

/** `maxLossesInARow` is SANDBOX_MAX_LOSSES_IN_A_ROW. */
function variableOf(setting: string): string {
  return `SANDBOX_${setting.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

const SETTINGS = Object.keys(DEFAULT_SETTINGS) as (keyof Settings)[];

const settingsEnvironment = z.object(
  Object.fromEntries(SETTINGS.map((setting) => [variableOf(setting), milliseconds])),
);

const environment = z.object({
  SANDBOX_NAMESPACE: z.string().min(1).max(63).default('default'),
  SANDBOX_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  SANDBOX_SIGNING_KEY_FILE: z.string().min(1),
  SANDBOX_LEASE_NAMESPACE: z.string().min(1).max(63).optional(),
  SANDBOX_LEASE_NAME: z.string().min(1).max(63).default('sandbox-operator'),
  SANDBOX_HEALTH_PORT: z.coerce.number().int().min(0).max(65_535).optional(),
  SANDBOX_REQUIRE_CLOSED_NETWORK: z.enum(['true', 'false']).default('true'),
  KUBERNETES_SERVICE_HOST: z.string().min(1).optional(),
  KUBERNETES_SERVICE_PORT: z.coerce.number().int().min(1).max(65_535).default(443),
  DATABASE_URL: databaseUrl.optional(),
  SANDBOX_RETENTION_SANDBOX_DAYS: days.default(DEFAULT_RETENTION.sandboxDays),
  SANDBOX_RETENTION_EXECUTION_DAYS: days.default(DEFAULT_RETENTION.executionDays),
  SANDBOX_RETENTION_AUDIT_DAYS: days.default(DEFAULT_RETENTION.auditDays),
  POD_NAME: z.string().min(1).optional(),
});

/** Settings of the operator as a process of its own. */
export interface OperatorConfig {
  /** Where the sandboxes live. */
  readonly namespace: string;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  /** An Ed25519 private key in PKCS#8 PEM, which signs what the operator sends to executors. */
  readonly signingKeyFile: string;
  /** What replicas elect their leader with; absent: this is the only one. */
  readonly lease: { readonly namespace: string; readonly name: string } | undefined;
  /** Of /healthz, /readyz and /metrics, on all addresses; absent: they are not served. */
  readonly healthPort: number | undefined;
  /** `tcp://address:port` of the API server, which sandboxes must not reach before they run code; absent: they are not held to it. */
  readonly forbiddenAddress: string | undefined;
  /** Absent: not in a pod. */
  readonly podName: string | undefined;
  /** Where history is kept; absent: there is none. A secret. */
  readonly databaseUrl: string | undefined;
  readonly retention: Retention;
  readonly settings: Partial<Settings>;
}

/** Throws a ZodError that names the variable at fault. */
export function operatorConfig(env: Readonly<Record<string, string | undefined>>): OperatorConfig {
  const given = environment.parse(env);
  const namespace = given.SANDBOX_LEASE_NAMESPACE;
  return {
    namespace: given.SANDBOX_NAMESPACE,
    logLevel: given.SANDBOX_LOG_LEVEL,
    signingKeyFile: given.SANDBOX_SIGNING_KEY_FILE,
    lease: namespace === undefined ? undefined : { namespace, name: given.SANDBOX_LEASE_NAME },
    healthPort: given.SANDBOX_HEALTH_PORT,
    forbiddenAddress: forbiddenAddressIn(given),
    podName: given.POD_NAME,
    databaseUrl: given.DATABASE_URL,
    retention: {
      sandboxDays: given.SANDBOX_RETENTION_SANDBOX_DAYS,
      executionDays: given.SANDBOX_RETENTION_EXECUTION_DAYS,
      auditDays: given.SANDBOX_RETENTION_AUDIT_DAYS,
    },
    settings: settingsIn(env),
  };
}

/** Every pod is given the API server's address, and no NetworkPolicy of a sandbox ever allows it. */
function forbiddenAddressIn(given: z.infer<typeof environment>): string | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = given;
  if (host === undefined || given.SANDBOX_REQUIRE_CLOSED_NETWORK === 'false') return undefined;
  return `tcp://${isIPv6(host) ? `[${host}]` : host}:${String(port)}`;
}

/** Times and bounds that the environment changes. Throws a ZodError that names the variable at fault. */
export function settingsIn(env: Readonly<Record<string, string | undefined>>): Partial<Settings> {
  const given = settingsEnvironment.parse(env);
  const entries = SETTINGS.map((setting) => [setting, given[variableOf(setting)]] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}
