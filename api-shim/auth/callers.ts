import { z } from 'zod';
import { ROLES, type Principal } from './principal.ts';

/** The file of those who may call: a JSON object per line, empty lines and lines that begin with `#` aside. */

const namespace = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'must be a namespace');

const permissions = {
  /** Absent: the first namespace of the process. */
  namespace: namespace.optional(),
  role: z.enum(ROLES).default('write'),
  requests_per_second: z.number().positive().max(1_000_000).optional(),
  /** Absent: twice `requests_per_second`. */
  burst: z.int().positive().max(1_000_000).optional(),
  sessions: z.int().min(0).optional(),
};

const keyLine = z.strictObject({
  /** For logs and records. */
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/,
      'must be 1 to 63 letters, digits, ".", "_", "@", "-"',
    ),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits'),
  ...permissions,
});
const userLine = z.strictObject({ user: z.string().min(1).max(512), ...permissions });
const groupLine = z.strictObject({ group: z.string().min(1).max(512), ...permissions });

type Permissions = z.output<z.ZodObject<typeof permissions>>;

export interface KeyCaller {
  /** SHA-256 of the key. Keys are 256 random bits, which no speed of guessing finds: a slow hash would only slow every request. */
  readonly hash: Buffer;
  readonly principal: Principal;
}

/** A user or a group of Kubernetes, as a TokenReview names them. */
export interface TokenCaller {
  readonly match: { readonly user: string } | { readonly group: string };
  readonly as: (user: string) => Principal;
}

export interface Callers {
  readonly keys: readonly KeyCaller[];
  readonly tokens: readonly TokenCaller[];
}

/** A line that cannot be used; says which and why, and repeats nothing of it. */
export class CallersError extends Error {
  override readonly name = 'CallersError';
  readonly code = 'InvalidCallers';
  readonly retryable = false;
}

/** Throws CallersError; `namespaces` are those that are served, the first of them the default. */
export function parseCallers(text: string, namespaces: readonly [string, ...string[]]): Callers {
  const keys: KeyCaller[] = [];
  const tokens: TokenCaller[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
    try {
      const caller = callerOf(JSON.parse(line), namespaces);
      if ('hash' in caller) keys.push(unlike(keys, caller));
      else tokens.push(caller);
    } catch (error) {
      throw new CallersError(`line ${String(index + 1)}: ${reasonOf(error)}`);
    }
  }
  return { keys, tokens };
}

function callerOf(
  line: unknown,
  namespaces: readonly [string, ...string[]],
): KeyCaller | TokenCaller {
  const has = (field: string): boolean =>
    typeof line === 'object' && line !== null && field in line;
  if (has('user')) {
    const { user, ...rest } = userLine.parse(line);
    return { match: { user }, as: tokenPrincipal(rest, namespaces) };
  }
  if (has('group')) {
    const { group, ...rest } = groupLine.parse(line);
    return { match: { group }, as: tokenPrincipal(rest, namespaces) };
  }
  const { name, sha256, ...rest } = keyLine.parse(line);
  return { hash: Buffer.from(sha256, 'hex'), principal: { name, ...permitted(rest, namespaces) } };
}

function tokenPrincipal(
  given: Permissions,
  namespaces: readonly [string, ...string[]],
): TokenCaller['as'] {
  const permissionsOf = permitted(given, namespaces);
  return (user) => ({ name: user, ...permissionsOf });
}

function permitted(
  given: Permissions,
  [first, ...others]: readonly [string, ...string[]],
): Omit<Principal, 'name'> {
  const { namespace = first, role, requests_per_second: perSecond, burst, sessions } = given;
  if (namespace !== first && !others.includes(namespace))
    throw new CallersError(`namespace: ${namespace} is not one of SANDBOX_NAMESPACE`);
  return {
    namespace,
    role,
    ...(perSecond === undefined
      ? {}
      : { rate: { perSecond, burst: burst ?? Math.max(1, Math.ceil(perSecond * 2)) } }),
    ...(sessions === undefined ? {} : { sessions }),
  };
}

/** Two callers of one name would share limits and be one in every record. */
function unlike(keys: readonly KeyCaller[], caller: KeyCaller): KeyCaller {
  const { hash, principal } = caller;
  if (keys.some((key) => key.principal.name === principal.name))
    throw new CallersError('name: is used twice');
  if (keys.some((key) => key.hash.equals(hash))) throw new CallersError('sha256: is used twice');
  return caller;
}

function reasonOf(error: unknown): string {
  if (error instanceof SyntaxError) return 'is no JSON';
  if (error instanceof z.ZodError)
    return error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  return error instanceof Error ? error.message : String(error);
}
