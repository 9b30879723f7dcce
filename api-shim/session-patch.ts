import { LIMITS } from '../crds/limits.ts';
import { restIdOf } from '../crds/identity.ts';
import type { Sandbox, SandboxSpec } from '../crds/sandbox.ts';
import type { SandboxTemplate } from '../crds/sandbox-template.ts';
import type { StoredWorkspaces } from '../storage/workspaces/stored-workspaces.ts';
import { replacedDependencies } from './dependencies.ts';
import { ApiError } from './errors.ts';
import { inheritedOf } from './inherited.ts';
import { onIdleOf } from './on-idle.ts';
import { bytesOf, coresOf, isCpu, isMemory } from './quantities.ts';
import type { PatchSessionRequest } from './schemas/session-patch.ts';

/** The wish for a changed session -> a merge patch. Pure. */

type Env = SandboxSpec['env'];

/** Throws SessionNotSuspendable where a wish to suspend could not keep the files. */
export function refuseUnkept(
  { on_idle }: Pick<PatchSessionRequest, 'on_idle'>,
  stored: StoredWorkspaces | undefined,
): void {
  if (on_idle !== 'suspend' || stored !== undefined) return;
  throw new ApiError('SessionNotSuspendable', 'A suspended session could not keep its files');
}

/** Undefined if everything is as wished. Throws NotChangeable, InvalidQuantity, DependenciesNotSupported or InvalidRequest. */
export function sandboxPatch(
  body: PatchSessionRequest,
  sandbox: Sandbox,
  template: SandboxTemplate | undefined,
): object | undefined {
  refuseOtherSize(body, sandbox, template);
  const { env } = sandbox.spec;
  const timeouts = timeoutsPatch(body, sandbox.spec.timeouts);
  const wishedEnv = merged(env, body.env_vars ?? {});
  const dependencies = replacedDependencies(body, sandbox, inheritedOf(sandbox, template)?.runtime);
  const changes = {
    ...(dependencies === undefined ? {} : { dependencies }),
    ...(wishedEnv === env ? {} : { env: wishedEnv }),
    ...(timeouts === undefined ? {} : { timeouts }),
  };
  if (Object.keys(changes).length === 0) return undefined;
  // A list can only be replaced as a whole, so nobody else may have changed it meanwhile.
  return { metadata: { resourceVersion: sandbox.metadata.resourceVersion }, spec: changes };
}

/** Undefined where nothing changes. What the template says too is kept all the same: then it holds whatever becomes of the template. */
function timeoutsPatch(
  { timeout, on_idle }: PatchSessionRequest,
  own: SandboxSpec['timeouts'],
): object | undefined {
  const onIdle = typeof on_idle === 'string' ? onIdleOf(on_idle) : undefined;
  const changes = {
    ...(typeof timeout === 'number' && timeout !== own.idleSeconds && { idleSeconds: timeout }),
    ...(onIdle !== undefined && onIdle !== own.onIdle && { onIdle }),
  };
  return Object.keys(changes).length === 0 ? undefined : changes;
}

/** `env` itself where nothing changes. */
function merged(env: Env, wished: Readonly<Record<string, string>>): Env {
  const before = new Map(env.map(({ name, value }) => [name, value]));
  const changed = Object.entries(wished).filter(([name, value]) => before.get(name) !== value);
  if (changed.length === 0) return env;
  const after = new Map([...before, ...changed]);
  if (after.size > LIMITS.envVars) throw tooMany(after.size);
  return [...after].map(([name, value]) => ({ name, value }));
}

const SIZES = {
  cpu: { isValid: isCpu, amountOf: coresOf },
  memory: { isValid: isMemory, amountOf: bytesOf },
  disk: { isValid: isMemory, amountOf: bytesOf },
} as const;

/** A pod keeps the size that it was made with, and making another would end what runs. */
function refuseOtherSize(
  body: PatchSessionRequest,
  sandbox: Sandbox,
  template: SandboxTemplate | undefined,
): void {
  const sizes = { ...template?.spec.resources, ...sandbox.spec.resources };
  const other = (Object.keys(SIZES) as (keyof typeof SIZES)[]).filter((name) => {
    const wished = body[name] ?? body.resources?.[name];
    if (wished === undefined) return false;
    const { isValid, amountOf } = SIZES[name];
    if (!isValid(wished))
      throw new ApiError('InvalidQuantity', `Invalid ${name} format: ${wished.slice(0, 64)}`);
    const current = sizes[name];
    return current === undefined || amountOf(current) !== amountOf(wished);
  });
  if (other.length === 0) return;
  throw new ApiError(
    'NotChangeable',
    `Session ${restIdOf(sandbox)} cannot change in place: ${other.join(', ')}`,
  );
}

function tooMany(count: number): ApiError {
  const msg = `would be ${String(count)} variables together, of at most ${String(LIMITS.envVars)}`;
  return new ApiError('InvalidRequest', `body.env_vars: ${msg}`, {
    detail: [{ type: 'too_big', loc: ['body', 'env_vars'], msg }],
  });
}
