import { SANDBOXES } from '../../crds/sandbox.ts';
import { SANDBOX_TEMPLATES } from '../../crds/sandbox-template.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Clock } from '../../kube/clock.ts';
import { ConflictError, NotFoundError } from '../../kube/errors.ts';
import type { Logger } from '../../kube/logger.ts';
import { controllerOf, refOf } from '../../kube/objects.ts';
import type { KubeObject } from '../../kube/objects.ts';
import { PODS } from '../../kube/pod.ts';
import type { Pod } from '../../kube/pod.ts';
import type { Caches } from '../caches.ts';
import { Periodic } from '../periodic.ts';
import type { OrphansRemoved } from './metrics.ts';
import { orphanPods } from './orphan-pods.ts';

export interface PodSweepDeps {
  readonly client: KubeClient;
  readonly caches: Pick<Caches, 'sandboxes' | 'templates' | 'pods'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly removed: OrphansRemoved;
}

/** Removes pods that nobody has any more. Garbage collection takes those whose owner is gone, where there is one that works; it knows none that never had an owner. */
export function podSweep(deps: PodSweepDeps): Periodic {
  const work = (signal: AbortSignal): Promise<void> => sweep(deps, signal);
  return new Periodic({ clock: deps.clock, firstAfterMs: 5_000, everyMs: 30_000, work });
}

async function sweep(deps: PodSweepDeps, signal: AbortSignal): Promise<void> {
  const { sandboxes, templates, pods } = deps.caches;
  const owners = new Set([...sandboxes.list(), ...templates.list()].map(uidOf));
  const found = orphanPods({ pods: pods.list(), owners, now: deps.clock.now() });
  for (const pod of found) {
    if (signal.aborted) return;
    await removeOrphan(deps, pod, signal).catch((error: unknown) => {
      deps.logger.warn('could not remove a pod that nobody has', { pod: refOf(pod), error });
    });
  }
}

/** This very pod as it was seen: with another version it may have found an owner. */
async function removeOrphan(
  { client, logger, removed }: PodSweepDeps,
  pod: Pod,
  signal: AbortSignal,
): Promise<void> {
  if (await hasOwner(client, pod, signal)) return;
  const { uid, resourceVersion } = pod.metadata;
  try {
    await client.delete(PODS, refOf(pod), { uid, resourceVersion, signal });
    removed('pod');
    logger.warn('removed a pod that nobody had', { pod: refOf(pod) });
  } catch (error) {
    if (!(error instanceof NotFoundError || error instanceof ConflictError)) throw error;
  }
}

/** Absence from a cache proves nothing, so the owner is asked for at the server. */
async function hasOwner(client: KubeClient, pod: Pod, signal: AbortSignal): Promise<boolean> {
  const owner = controllerOf(pod);
  if (owner === undefined) return false;
  const type = owner.kind === SANDBOXES.kind ? SANDBOXES : SANDBOX_TEMPLATES;
  const ref = { namespace: refOf(pod).namespace, name: owner.name };
  try {
    const found: KubeObject = await client.get<KubeObject>(type, ref, signal);
    return found.metadata.uid === owner.uid;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
}

function uidOf({ metadata }: KubeObject): string {
  return metadata.uid;
}
