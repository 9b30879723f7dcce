import type { Sandbox } from '../crds/sandbox.ts';
import type { ReadCache } from '../kube/cache.ts';
import { controllerOf } from '../kube/objects.ts';
import type { Pod } from '../kube/pod.ts';
import { ApiError } from './errors.ts';
import { byNewest } from './present-time.ts';

/** A pod and the session that it belongs to. */
export interface SessionPod {
  readonly pod: Pod;
  readonly sandbox: Sandbox;
}

export interface ContainersOptions {
  readonly pods: ReadCache<Pod>;
  readonly sandboxes: () => readonly Sandbox[];
  readonly namespace: string;
}

/** The containers of the sessions that there are: those that serve, and those that are about to go. */
export class Containers {
  readonly #options: ContainersOptions;

  constructor(options: ContainersOptions) {
    this.#options = options;
  }

  /** Newest first. */
  list(): readonly SessionPod[] {
    const { pods, sandboxes, namespace } = this.#options;
    const byUid = new Map(sandboxes().map((sandbox) => [sandbox.metadata.uid, sandbox]));
    return byNewest(pods.list(namespace)).flatMap((pod) => {
      const sandbox = byUid.get(controllerOf(pod)?.uid ?? '');
      return sandbox === undefined ? [] : [{ pod, sandbox }];
    });
  }

  /** Throws ContainerNotFound. */
  get(id: string): SessionPod {
    const found = this.list().find(({ pod }) => pod.metadata.name === id);
    if (found === undefined) throw new ApiError('ContainerNotFound', `Container not found: ${id}`);
    return found;
  }
}
