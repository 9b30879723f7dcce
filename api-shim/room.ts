import { isEnded, type Sandbox } from '../crds/sandbox.ts';
import type { SandboxTemplate } from '../crds/sandbox-template.ts';
import type { SandboxReason } from '../crds/reasons.ts';
import { fitsPool } from '../crds/warm-pool.ts';
import { parseQuantity } from '../kube/quantity.ts';
import { ApiError } from './errors.ts';

/** Whether the cluster has room for one more session, as far as those that wait for room tell. Pure. */

const FULL: ReadonlySet<SandboxReason> = new Set(['Unschedulable', 'QuotaExceeded']);

/** The index that the cache of sandboxes must have: those that wait for room, by their template. */
export const WAITING_BY_TEMPLATE = {
  name: 'api-shim/waiting-for-room',
  of: (sandbox: Sandbox): readonly string[] =>
    waitsForRoom(sandbox) ? [sandbox.spec.templateRef.name] : [],
} as const;

function waitsForRoom(sandbox: Sandbox): boolean {
  const { metadata, spec, status } = sandbox;
  if (isEnded(sandbox) || metadata.deletionTimestamp !== undefined) return false;
  return spec.desiredState === 'Running' && status?.reason !== undefined && FULL.has(status.reason);
}

type Wish = Sandbox['spec']['resources'];

/** A sandbox that asks for no less than one that waits would wait behind it, unless a started one is there for it. The first to wait is never refused. */
export function refusalFor(
  wish: Wish,
  template: SandboxTemplate,
  waiting: readonly Sandbox[],
): ApiError | undefined {
  if (hasStarted(template) && fitsPool({ resources: wish }, template)) return undefined;
  const first = waiting.find(({ spec }) => isCovered(spec.resources, wish, template));
  return first && full(first);
}

function hasStarted({ status }: SandboxTemplate): boolean {
  return (status?.warmPool?.ready ?? 0) > 0;
}

/** Whether the one asks for no more of anything than the other; what neither says is their template's. */
function isCovered(one: Wish, other: Wish, { spec }: SandboxTemplate): boolean {
  return (['cpu', 'memory', 'disk'] as const).every((what) => {
    const inherited = spec.resources[what];
    return amountOf(one[what] ?? inherited) <= amountOf(other[what] ?? inherited);
  });
}

function amountOf(quantity: string): number {
  return parseQuantity(quantity) ?? 0;
}

/** Starts of others take seconds, and ends of others minutes: between the two. */
const RETRY_AFTER = { 'Retry-After': '10' };

function full({ status, spec }: Sandbox): ApiError {
  const isQuota = status?.reason === 'QuotaExceeded';
  const what = isQuota ? 'The quota of the namespace is used up' : 'No node has room';
  const message = `${what}: another session of template ${spec.templateRef.name} waits for room already`;
  return new ApiError('NoRoom', message, { headers: RETRY_AFTER });
}
