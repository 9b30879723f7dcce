import type { Sandbox } from '../../crds/sandbox.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { ExecutorAddress } from '../../executor/client.ts';
import type { Clock } from '../../kube/clock.ts';
import { ConflictError, ForbiddenError, InvalidError, NotFoundError } from '../../kube/errors.ts';
import { keyOf, refOf } from '../../kube/objects.ts';
import type { Draft } from '../../kube/objects.ts';
import { createOwned, NotOwnedError } from '../../kube/owner-reference.ts';
import { PODS } from '../../kube/pod.ts';
import type { Pod } from '../../kube/pod.ts';
import type { CreatedPods } from '../created-pods.ts';
import type { OperatorMetrics } from '../metrics.ts';
import type { WarmPools } from '../warm-pools.ts';
import { claimPatch } from './claim.ts';
import type { ExecutorMonitor } from './executor-monitor.ts';
import type { InFlightInstalls } from './installs.ts';
import type { Claim, Learned } from './observe.ts';
import { exceededQuota } from './quota.ts';
import { resizePatch, type Amounts } from './resize.ts';

/** How a sandbox comes by a pod: one of a pool, or one of its own. */

export interface AcquireDeps {
  readonly client: KubeClient;
  readonly monitor: ExecutorMonitor;
  readonly createdPods: CreatedPods;
  readonly pools: WarmPools;
  readonly installs: InFlightInstalls;
  readonly metrics: OperatorMetrics;
  readonly clock: Clock;
  /** Undefined as long as a pod has no address. */
  readonly addressOf: (pod: Pod) => ExecutorAddress | undefined;
}

export interface Subject {
  readonly sandbox: Sandbox;
  readonly signal: AbortSignal;
}

export interface WantedPod {
  readonly pod: Draft<Pod>;
  /** One of a pool would have done, and there was none. */
  readonly missesPool: boolean;
}

export interface WantedResize {
  readonly pod: Pod;
  readonly amounts: Amounts;
}

/** One patch makes a member ours, or the server says that it did not: then another one may be tried. Where neither is known, the next look finds out. */
export async function claimPod(
  deps: AcquireDeps,
  { template, make, resizes }: Claim,
  { sandbox, signal }: Subject,
): Promise<Learned> {
  const { client, pools, createdPods, monitor, installs, metrics, clock } = deps;
  const since = clock.monotonic();
  for (;;) {
    const member = pools.take(template, make);
    if (member === undefined) return { type: 'poolEmpty' };
    const view = pools.monitor.view(member.metadata.uid);
    const packages = pools.installs.view(member.metadata.uid);
    wake(deps, member, sandbox);
    try {
      const patch = claimPatch(member, sandbox, { template, resizes });
      const pod = await client.patch(PODS, refOf(member), patch, { signal });
      createdPods.remember(sandbox.metadata.uid, pod);
      monitor.adopt(pod.metadata.uid, view);
      installs.adopt(sandbox.metadata.uid, packages);
      metrics.poolHit(clock.monotonic() - since, resizes ? 'resized' : 'hit');
      return { type: 'podClaimed', pod };
    } catch (error) {
      if (!isRefusal(error)) {
        pools.noteUnsettledClaim(sandbox.metadata.uid, member);
        throw error;
      }
      pools.refuse(member.metadata.uid);
    }
  }
}

/** Its node applies it, or says that it cannot, some time after the server took it. What is refused is not tried again: the sandbox gets another pod. */
export async function resizePod(
  { client, createdPods }: AcquireDeps,
  { pod, amounts }: WantedResize,
  { sandbox, signal }: Subject,
): Promise<Learned> {
  try {
    const options = { subresource: 'resize', signal } as const;
    const resized = await client.patch(PODS, refOf(pod), resizePatch(pod, amounts), options);
    createdPods.remember(sandbox.metadata.uid, resized);
    return { type: 'podResized', pod: resized };
  } catch (error) {
    if (isRefusal(error)) return { type: 'resizeRefused' };
    throw error;
  }
}

/** It has idled, and its connection is closed: asked for its health meanwhile, it is there for the first run. */
function wake({ monitor, addressOf }: AcquireDeps, member: Pod, sandbox: Sandbox): void {
  const address = addressOf(member);
  if (address === undefined) return;
  const target = { podUID: member.metadata.uid, address };
  monitor.askHealth(keyOf(refOf(sandbox)), target, 'awaited');
}

/** Somebody else has it, or a right or a policy stands against it. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof InvalidError ||
    error instanceof ForbiddenError ||
    error instanceof NotFoundError ||
    error instanceof ConflictError
  );
}

/** A refusal is the user's to mend, so it becomes a status; anything else is thrown and tried again. */
export async function createPod(
  { client, createdPods, metrics }: AcquireDeps,
  { pod: draft, missesPool }: WantedPod,
  { sandbox, signal }: Subject,
): Promise<Learned | undefined> {
  try {
    const pod = await createOwned(client, PODS, { draft, owner: sandbox, signal });
    createdPods.remember(sandbox.metadata.uid, pod);
    if (missesPool) metrics.poolMissed();
    return undefined;
  } catch (error) {
    if (error instanceof NotOwnedError) return { type: 'podNameTaken' };
    if (error instanceof InvalidError || error instanceof ForbiddenError) return refusalOf(error);
    throw error;
  }
}

function refusalOf(error: InvalidError | ForbiddenError): Learned {
  const full = error instanceof ForbiddenError ? exceededQuota(error.message) : undefined;
  return full === undefined
    ? { type: 'podRefused', message: error.message }
    : { type: 'quotaExceeded', message: full };
}
