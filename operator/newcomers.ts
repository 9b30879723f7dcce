import type { ReadCache } from '../kube/cache.ts';
import type { KubeObject } from '../kube/objects.ts';
import type { Source } from '../kube/sources.ts';

/**
 * Objects that appeared while the controllers run: no earlier leader can have done anything about them. That is certain where
 * times are not, for a creation time has whole seconds and another machine's clock. A source of no keys, for it begins with its controller.
 */
export class Newcomers implements Source {
  readonly #cache: ReadCache<KubeObject>;
  readonly #uids = new Set<string>();

  constructor(cache: ReadCache<KubeObject>) {
    this.#cache = cache;
  }

  has(uid: string): boolean {
    return this.#uids.has(uid);
  }

  subscribe(): () => void {
    return this.#cache.subscribe((change) => {
      if (change.type === 'added' && !change.initial) this.#uids.add(change.object.metadata.uid);
      if (change.type === 'deleted') this.#uids.delete(change.object.metadata.uid);
    });
  }

  keys(): Iterable<string> {
    return [];
  }
}
