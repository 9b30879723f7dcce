import type { Sandbox } from '../crds/sandbox.ts';
import type { ExecutorAddress, ExecutorTarget } from '../executor/client.ts';
import type { ReadCache } from '../kube/cache.ts';
import type { KubeClient } from '../kube/client.ts';
import { NotFoundError } from '../kube/errors.ts';
import { controllerOf } from '../kube/objects.ts';
import { PODS, type Pod } from '../kube/pod.ts';
import { ApiError } from './errors.ts';
import { restIdOf } from './names.ts';
import { isActive, isSuspended } from './present-session.ts';

/** The index that the cache of pods must have: they are found by the UID of their sandbox. */
export const PODS_BY_OWNER = {
  name: 'api-shim/owner',
  of: (pod: Pod): readonly string[] => [controllerOf(pod)?.uid ?? ''],
} as const;

export interface ExecutorsOptions {
  readonly client: KubeClient;
  readonly pods: ReadCache<Pod>;
  readonly addressOf: (pod: Pod) => ExecutorAddress | undefined;
}

export interface LiveExecutor {
  readonly state: 'live';
  readonly target: ExecutorTarget;
  readonly pod: Pod;
}

/** How a session's executor can be reached, or why it cannot: it is not ready (also while it is recovered), or the session is suspended or has ended. */
export type Reach = LiveExecutor | { readonly state: 'starting' | 'suspended' | 'ended' };

/** Finds the executors of sessions. */
export class Executors {
  readonly #options: ExecutorsOptions;

  constructor(options: ExecutorsOptions) {
    this.#options = options;
  }

  /** `live` if the session is `running`, or still `suspending`, and the pod that it names is there, which says nothing about whether that answers. */
  async of(sandbox: Sandbox, signal: AbortSignal): Promise<Reach> {
    if (!isActive(sandbox)) return { state: 'ended' };
    if (isSuspended(sandbox)) return { state: 'suspended' };
    if (!serves(sandbox)) return { state: 'starting' };
    return this.cached(sandbox) ?? (await this.#confirmed(sandbox, signal));
  }

  /** That of a running session as far as the caches know it. */
  cached(sandbox: Sandbox): LiveExecutor | undefined {
    return isActive(sandbox) && serves(sandbox) ? this.#live(this.podOf(sandbox)) : undefined;
  }

  /** Throws SessionNotActive, SessionSuspended or SessionNotReady. */
  async require(sandbox: Sandbox, signal: AbortSignal): Promise<ExecutorTarget> {
    const reach = await this.of(sandbox, signal);
    if (reach.state === 'live') return reach.target;
    const id = restIdOf(sandbox);
    if (reach.state === 'ended')
      throw new ApiError('SessionNotActive', `Session is not active: ${id}`);
    if (reach.state === 'suspended')
      throw new ApiError('SessionSuspended', `Session is suspended: ${id}`);
    throw new ApiError('SessionNotReady', `Session is not ready yet: ${id}`, {
      headers: { 'Retry-After': '1' },
    });
  }

  /** The pod that serves the sandbox as the cache has it; never one that another sandbox owns, whatever the status says. */
  podOf({ metadata, status }: Sandbox): Pod | undefined {
    const owned = this.#options.pods.byIndex(PODS_BY_OWNER.name, metadata.uid);
    return owned.find((pod) => pod.metadata.uid === status?.podUID);
  }

  #live(pod: Pod | undefined): LiveExecutor | undefined {
    const address = pod && this.#options.addressOf(pod);
    return pod && address && { state: 'live', target: { podUID: pod.metadata.uid, address }, pod };
  }

  /** The caches of sandboxes and pods are not ordered: the pod of a session that just became ready may not have been seen yet. */
  async #confirmed(sandbox: Sandbox, signal: AbortSignal): Promise<Reach> {
    const { namespace = '', name } = sandbox.metadata;
    const ref = { namespace, name: sandbox.status?.podName ?? name };
    try {
      const pod = await this.#options.client.get(PODS, ref, signal);
      return this.#live(isOf(pod, sandbox) ? pod : undefined) ?? { state: 'starting' };
    } catch (error) {
      if (error instanceof NotFoundError) return { state: 'starting' };
      throw error;
    }
  }
}

/** One that is about to be suspended has its pod until its files are stored. */
function serves({ status }: Sandbox): boolean {
  return status?.phase === 'Running' || status?.phase === 'Suspending';
}

function isOf(pod: Pod, { metadata, status }: Sandbox): boolean {
  return pod.metadata.uid === status?.podUID && controllerOf(pod)?.uid === metadata.uid;
}
