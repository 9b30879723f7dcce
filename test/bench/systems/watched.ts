import type { KubeClient } from '../../../kube/client.ts';
import { ObjectCache } from '../../../kube/object-cache.ts';
import type { KubeObject, ResourceType } from '../../../kube/objects.ts';
import { waitFor } from '../../../kube/wait-for.ts';
import { QUIET } from '../quiet-logger.ts';

/** All objects of a kind in a namespace, by one watch that serves every waiter, as a client of either system would have it. */
export class Watched<T extends KubeObject> {
  readonly #cache: ObjectCache<T>;
  readonly #namespace: string;

  constructor(client: KubeClient, type: ResourceType<T>, namespace: string) {
    this.#namespace = namespace;
    this.#cache = new ObjectCache({ client, type, namespace, logger: QUIET });
    this.#cache.start();
  }

  async until(name: string, holds: (object: T) => boolean): Promise<T> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    return waitFor(this.#cache, { namespace: this.#namespace, name }, { until: holds, signal });
  }

  async close(): Promise<void> {
    await this.#cache.stop();
  }
}

/** Whoever takes longer has failed. */
const PATIENCE_MS = 180_000;
