import { z } from 'zod';
import { EXECUTOR_ENV } from './environment.ts';
import type { ForbiddenAddress } from './network-gate.ts';

export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export interface ExecutorConfig {
  readonly listen: ListenAddress;
  /** SPKI in base64. */
  readonly publicKey: string;
  readonly audience: string;
  /** What the pod must not reach before a run may begin. */
  readonly forbiddenAddress: ForbiddenAddress | undefined;
  readonly workspace: string;
  /** Folder of installed packages. */
  readonly dependencies: string;
  /** Where interpreters are looked for. */
  readonly path: string;
  /** What every run finds in its environment, before its own variables. */
  readonly userEnv: Readonly<Record<string, string>>;
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const listenAddress = z.string().transform((text, context): ListenAddress => {
  const unix = /^unix:\/\/(\/.+)$/.exec(text)?.[1];
  if (unix !== undefined) return { kind: 'unix', path: unix };
  const [, host, port] = /^tcp:\/\/\[?([^\]/]+?)\]?:(\d{1,5})$/.exec(text) ?? [];
  if (host !== undefined) return { kind: 'tcp', host, port: Number(port) };
  context.addIssue('must be tcp://address:port or unix:///path');
  return z.NEVER;
});

const tcpAddress = listenAddress.transform((address, context): ForbiddenAddress => {
  if (address.kind === 'tcp') return address;
  context.addIssue('must be tcp://address:port');
  return z.NEVER;
});

const environment = z.object({
  [EXECUTOR_ENV.listen]: listenAddress,
  [EXECUTOR_ENV.publicKey]: z.base64().min(1),
  [EXECUTOR_ENV.audience]: z.string().min(1),
  [EXECUTOR_ENV.forbiddenAddress]: tcpAddress.optional(),
  [EXECUTOR_ENV.workspace]: z.string().startsWith('/').default('/workspace'),
  [EXECUTOR_ENV.dependencies]: z.string().startsWith('/').default('/opt/dependencies'),
  PATH: z.string().default(DEFAULT_PATH),
  LANG: z.string().default('C.UTF-8'),
});

/** Reads the container's environment, of which user code sees only what `userEnv` says. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): ExecutorConfig {
  const parsed = environment.parse(env);
  const workspace = parsed[EXECUTOR_ENV.workspace];
  return {
    listen: parsed[EXECUTOR_ENV.listen],
    publicKey: parsed[EXECUTOR_ENV.publicKey],
    audience: parsed[EXECUTOR_ENV.audience],
    forbiddenAddress: parsed[EXECUTOR_ENV.forbiddenAddress],
    workspace,
    dependencies: parsed[EXECUTOR_ENV.dependencies],
    path: parsed.PATH,
    userEnv: {
      PATH: parsed.PATH,
      HOME: workspace,
      LANG: parsed.LANG,
      TMPDIR: '/tmp',
      ...withoutPrefix(env),
    },
  };
}

function withoutPrefix(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const entries = Object.entries(env).flatMap(([name, value]) =>
    name.startsWith(EXECUTOR_ENV.userPrefix) && value !== undefined
      ? [[name.slice(EXECUTOR_ENV.userPrefix.length), value] as const]
      : [],
  );
  return Object.fromEntries(entries);
}
