import type { Clock } from '../kube/clock.ts';
import type { Pod } from '../kube/pod.ts';
import { WATCH_LAG_MS } from './watch-lag.ts';

/** Pods that this process created or took from a pool, and the cache has not shown so yet; after a while the deterministic name settles what is there. */
export class CreatedPods {
  readonly #clock: Clock;
  readonly #pods = new Map<string, { readonly pod: Pod; readonly until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  remember(ownerUID: string, pod: Pod): void {
    this.#pods.set(ownerUID, { pod, until: this.#clock.now() + WATCH_LAG_MS });
  }

  find(ownerUID: string, isWanted: (pod: Pod) => boolean): Pod | undefined {
    const found = this.#pods.get(ownerUID);
    if (found === undefined || !isWanted(found.pod)) return undefined;
    if (found.until > this.#clock.now()) return found.pod;
    this.#pods.delete(ownerUID);
    return undefined;
  }

  /** To be called with every pod that the cache reports on: of this one the cache knows better from then on, of the next one not yet. */
  forget(ownerUID: string, podUID: string): void {
    if (this.#pods.get(ownerUID)?.pod.metadata.uid === podUID) this.#pods.delete(ownerUID);
  }

  /** To be called with every owner that is gone. */
  forgetOwner(ownerUID: string): void {
    this.#pods.delete(ownerUID);
  }
}
