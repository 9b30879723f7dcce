import {
  ExecutorError,
  type ExecutorClient,
  type ExecutorTarget,
  type IndexHandler,
} from '../../executor/client.ts';
import type { DependenciesState, InstallRequest } from '../../executor/contract.ts';
import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import { retry } from '../../kube/retry.ts';
import { unhurried } from '../../kube/unhurried.ts';

/** How an installation ended, as the executor says or as was concluded without it. */
export type InstallEnd = DependenciesState | { readonly phase: 'Lost'; readonly message: string };

/** An installation as this process follows it. Lost with the process: the executor's memory and the status bring it back. */
export interface InstallView {
  readonly podUID: string;
  readonly revision: string;
  /** Absent while it goes on. */
  readonly end?: InstallEnd;
  /** When this process learned of its end. */
  readonly endedAt?: number;
}

/** What an executor is to install, and from where. */
export interface PackageInstall {
  /** The key under which the executor installs it once. */
  readonly revision: string;
  readonly indexUrl: string;
  readonly request: InstallRequest;
}

export interface InstallOrder extends Omit<PackageInstall, 'indexUrl'> {
  /** UID of the sandbox that it is for, or of the pod that waits for one. */
  readonly forUID: string;
  /** The key of what to have reconciled. */
  readonly key: string;
  readonly target: ExecutorTarget;
  readonly index: IndexHandler;
}

export interface InFlightInstallsOptions {
  readonly executor: Pick<ExecutorClient, 'install' | 'lendIndex'>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** Says "look at this again". */
  readonly enqueue: (key: string) => void;
}

const LONG_POLL_MS = 30_000;
const LEAST_POLL_MS = 1_000;
const BACKOFF = { baseMs: 50, maxMs: 2_000 };
/** How long after its timeout the executor may keep its word to itself. */
const GRACE_MS = 30_000;

class Install {
  end: Pick<InstallView, 'end' | 'endedAt'> = {};
  readonly order: InstallOrder;
  readonly controller = new AbortController();

  constructor(order: InstallOrder) {
    this.order = order;
  }
}

/** Follows installations outside the reconcile workers: lends each sandbox its index, waits for the end by long poll, and has the sandbox reconciled then. It decides nothing. */
export class InFlightInstalls {
  readonly #options: InFlightInstallsOptions;
  readonly #installs = new Map<string, Install>();
  readonly #adopted = new Map<string, InstallView>();

  constructor(options: InFlightInstallsOptions) {
    this.#options = options;
  }

  view(forUID: string): InstallView | undefined {
    const install = this.#installs.get(forUID);
    if (install === undefined) return this.#adopted.get(forUID);
    const { order, end } = install;
    return { podUID: order.target.podUID, revision: order.revision, ...end };
  }

  /** What was followed while the pod waited for this sandbox. */
  adopt(sandboxUID: string, view: InstallView | undefined): void {
    if (view?.end !== undefined) this.#adopted.set(sandboxUID, view);
  }

  /** Follows an installation from now on, in place of any other for the same; does nothing if that goes on already. */
  ensure(order: InstallOrder): void {
    const known = this.view(order.forUID);
    if (known?.revision === order.revision && known.podUID === order.target.podUID) return;
    this.forget(order.forUID);
    const install = new Install(order);
    this.#installs.set(order.forUID, install);
    void this.#lend(install);
    void this.#follow(install);
  }

  /** Stops following. */
  forget(forUID: string): void {
    this.#installs.get(forUID)?.controller.abort();
    this.#installs.delete(forUID);
    this.#adopted.delete(forUID);
  }

  /** Stops following what went on in a pod that is gone. */
  forgetPod(podUID: string): void {
    for (const [uid, { order }] of [...this.#installs]) {
      if (order.target.podUID === podUID) this.forget(uid);
    }
    for (const [uid, view] of [...this.#adopted]) {
      if (view.podUID === podUID) this.forget(uid);
    }
  }

  stop(): void {
    for (const uid of [...this.#installs.keys()]) this.forget(uid);
  }

  async #follow(install: Install): Promise<void> {
    const { clock } = this.#options;
    const { signal } = install.controller;
    const deadline = clock.now() + install.order.request.timeoutMs + GRACE_MS;
    const ask = (): Promise<void> =>
      this.#ask(install).catch((error: unknown) => {
        if (isPassing(error) && clock.now() < deadline) throw error;
        this.#settle(install, LOST);
      });
    // Its end aborts the signal too.
    const step = (): Promise<void> => retry(ask, { ...this.#options, backoff: BACKOFF, signal });
    while (!signal.aborted) {
      // An executor that says at once that it goes on is not asked again at once, and not for ever.
      await unhurried(step, { clock, leastMs: LEAST_POLL_MS, signal });
      if (clock.now() >= deadline) this.#settle(install, LOST);
    }
  }

  async #ask(install: Install): Promise<void> {
    const { order, controller } = install;
    const { signal } = controller;
    const { target, revision, request } = order;
    const wait = { waitMs: LONG_POLL_MS, signal };
    const state = await this.#options.executor.install(target, revision, request, wait);
    if (state.phase !== 'Installing') this.#settle(install, state);
  }

  #settle(install: Install, end: InstallEnd): void {
    if (install.controller.signal.aborted) return;
    install.end = { end, endedAt: this.#options.clock.now() };
    install.controller.abort();
    this.#options.enqueue(install.order.key);
  }

  /** For as long as it goes on; a connection that breaks is made anew. */
  #lend({ order, controller: { signal } }: Install): Promise<void> {
    const { executor, logger } = this.#options;
    return retry(() => executor.lendIndex(order.target, order.index, signal), {
      ...this.#options,
      backoff: BACKOFF,
      signal,
      onFailure: (error) => {
        logger.debug('a sandbox cannot be lent its package index', { key: order.key, error });
      },
    });
  }
}

const LOST: InstallEnd = { phase: 'Lost', message: 'the sandbox did not say how it ended' };

function isPassing(error: unknown): boolean {
  return error instanceof ExecutorError && error.retryable;
}
