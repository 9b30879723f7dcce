import type { Clock } from '../kube/clock.ts';
import type { Discovery } from '../kube/discovery.ts';
import type { Logger } from '../kube/logger.ts';
import type { LeaderWork } from '../kube/manager.ts';
import { PODS } from '../kube/pod.ts';
import { retry } from '../kube/retry.ts';

export interface ClusterAbilitiesOptions {
  /** Absent: it can no more than every cluster. */
  readonly discovery?: Discovery | undefined;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

const BACKOFF = { baseMs: 1_000, maxMs: 60_000 };

/** What this cluster can do that another cannot, asked once by a process that leads. Until it is known, it cannot. */
export class ClusterAbilities implements LeaderWork {
  #resizesPods = false;
  readonly #options: ClusterAbilitiesOptions;
  readonly #stop = new AbortController();
  #asking: Promise<void> = Promise.resolve();

  constructor(options: ClusterAbilitiesOptions) {
    this.#options = options;
  }

  /** It has `pods/resize` (KEP-1287; on by default since Kubernetes 1.33). */
  get resizesPods(): boolean {
    return this.#resizesPods;
  }

  start(): void {
    const { signal } = this.#stop;
    this.#asking = retry(() => this.#ask(signal), {
      ...this.#options,
      backoff: BACKOFF,
      signal,
      onFailure: (error) => {
        this.#options.logger.warn('what the cluster can do is not known yet', { error });
      },
    });
  }

  async stop(): Promise<void> {
    this.abort();
    await this.#asking;
  }

  abort(): void {
    this.#stop.abort();
  }

  async #ask(signal: AbortSignal): Promise<void> {
    this.#resizesPods = (await this.#options.discovery?.serves(PODS, 'resize', signal)) ?? false;
  }
}
