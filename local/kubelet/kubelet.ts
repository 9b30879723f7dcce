import { isDeepStrictEqual } from 'node:util';
import type { IndexFunction, ReadCache } from '../../kube/cache.ts';
import type { KubeClient } from '../../kube/client.ts';
import { systemClock, type Clock } from '../../kube/clock.ts';
import { Controller } from '../../kube/controller.ts';
import { ConflictError, NotFoundError } from '../../kube/errors.ts';
import type { Logger } from '../../kube/logger.ts';
import { mergePatchBetween } from '../../kube/merge-patch.ts';
import { refOf } from '../../kube/objects.ts';
import { PODS, type Pod, type PodStatus } from '../../kube/pod.ts';
import type { ReconcileContext, ReconcileResult } from '../../kube/reconciler.ts';
import { watches } from '../../kube/sources.ts';
import {
  PodStartError,
  type PodExit,
  type PodRunner,
  type RunningPod,
} from '../runners/pod-runner.ts';
import { bind } from './binding.ts';
import { decide, type Action, type Observed } from './decide.ts';
import { resolveEnvironment } from './environment.ts';
import { neverStartedStatus, runningStatus, waitingStatus, type TimedExit } from './pod-status.ts';
import { workspaceOf } from './workspace-id.ts';
import { WorkspaceSweeper } from './workspace-sweeper.ts';

export interface KubeletOptions {
  readonly client: KubeClient;
  /** Must have been made with `podIndexes`. */
  readonly pods: ReadCache<Pod>;
  readonly runner: PodRunner;
  /** What is kept though no pod has it: the workspaces of the sandboxes that there are. */
  readonly keptWorkspaces: () => ReadonlySet<string>;
  readonly logger: Logger;
  readonly clock?: Clock;
}

const BY_UID = 'kubelet/uid';

/** The indexes that the kubelet needs in its cache of pods. */
export const podIndexes: Readonly<Record<string, IndexFunction<Pod>>> = {
  [BY_UID]: (pod) => [pod.metadata.uid],
};

/** Starts of pods at a time; more would only wait for each other on a laptop. */
const CONCURRENCY = 16;
const FIRST_RETRY_MS = 1_000;
/** Shorter than a real kubelet's five minutes: the person who builds the missing image sits in front of it. */
const LAST_RETRY_MS = 30_000;

interface Retry {
  readonly failures: number;
  readonly at: number;
}

/** Scheduler and kubelet of the one node that a local run has. Works by UID, so a pod of the same name is another pod. */
export class Kubelet {
  readonly #options: KubeletOptions;
  readonly #clock: Clock;
  readonly #controller: Controller;
  readonly #sweeper: WorkspaceSweeper;
  readonly #running = new Map<string, RunningPod>();
  readonly #exits = new Map<string, TimedExit>();
  readonly #retries = new Map<string, Retry>();
  readonly #bound = new Set<string>();
  /** What was written last, for the cache may not show it yet. */
  readonly #reported = new Map<string, PodStatus>();

  constructor(options: KubeletOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#controller = new Controller({
      name: 'kubelet',
      sources: [watches(options.pods, (pod) => [pod.metadata.uid])],
      reconcile: (uid, context) => this.#reconcile(uid, context),
      concurrency: CONCURRENCY,
      logger: options.logger,
      clock: this.#clock,
    });
    this.#sweeper = new WorkspaceSweeper({
      wanted: () => this.#wantedWorkspaces(),
      keep: (wanted) => options.runner.keepWorkspaces(wanted),
      clock: this.#clock,
      logger: options.logger,
    });
  }

  /** Adopts what an earlier process left running, then follows the pods. The cache must be synced. */
  async start(): Promise<void> {
    const { runner } = this.#options;
    runner.onExit((exit) => {
      this.#exited(exit);
    });
    for (const pod of await runner.list()) this.#running.set(pod.podUID, pod);
    this.#controller.start();
    for (const uid of this.#running.keys()) this.#controller.enqueue(uid);
    this.#sweeper.sweepSoon();
  }

  /** Leaves the pods running. */
  async stop(): Promise<void> {
    await this.#controller.stop();
    await this.#sweeper.stop();
  }

  /** An owner came or went: workspaces that nobody wants any more are removed soon. */
  ownersChanged(): void {
    this.#sweeper.sweepSoon();
  }

  #exited(exit: PodExit): void {
    this.#running.delete(exit.podUID);
    this.#exits.set(exit.podUID, { exit, at: this.#timestamp() });
    this.#controller.enqueue(exit.podUID);
  }

  async #reconcile(uid: string, context: ReconcileContext): Promise<ReconcileResult> {
    const action = decide(this.#observe(uid), this.#clock.now());
    try {
      return await this.#act(uid, action, context);
    } catch (error) {
      // The pod is gone, or another one by now; the cache will say so.
      if (error instanceof NotFoundError || error instanceof ConflictError) return {};
      throw error;
    }
  }

  #observe(uid: string): Observed {
    return {
      pod: this.#options.pods.byIndex(BY_UID, uid)[0],
      running: this.#running.get(uid),
      exit: this.#exits.get(uid),
      retryAt: this.#retries.get(uid)?.at,
    };
  }

  async #act(uid: string, action: Action, context: ReconcileContext): Promise<ReconcileResult> {
    switch (action.type) {
      case 'none':
        return {};
      case 'wait':
        return { requeueAfterMs: action.ms };
      case 'stop':
        await this.#stopPod(uid);
        return {};
      case 'delete':
        await this.#stopPod(uid);
        await this.#confirmDeletion(action.pod, context.signal);
        return {};
      case 'report':
        await this.#report(action.pod, action.status, context.signal);
        return {};
      case 'start':
        return await this.#startPod(action.pod, context);
    }
  }

  async #startPod(pod: Pod, { signal, logger }: ReconcileContext): Promise<ReconcileResult> {
    const { uid } = pod.metadata;
    try {
      if (pod.spec.nodeName === undefined && !this.#bound.has(uid)) {
        await bind(pod, this.#options.client, signal);
        this.#bound.add(uid); // the cache may not show it before the next try
      }
      const env = await resolveEnvironment(pod, this.#options.client, signal);
      const running = await this.#options.runner.start({ pod, workspaceId: workspaceOf(pod), env });
      this.#running.set(uid, running);
      this.#retries.delete(uid);
      await this.#report(pod, runningStatus(pod, running), signal);
      return {};
    } catch (error) {
      if (!(error instanceof PodStartError)) throw error;
      logger.warn('could not start a pod', { pod: pod.metadata.name, error });
      return await this.#failStart(pod, error, signal);
    }
  }

  async #failStart(pod: Pod, error: PodStartError, signal: AbortSignal): Promise<ReconcileResult> {
    const { uid } = pod.metadata;
    const at = this.#timestamp();
    if (!error.retryable) {
      await this.#report(pod, neverStartedStatus(pod, error, at), signal);
      return {};
    }
    const failures = (this.#retries.get(uid)?.failures ?? 0) + 1;
    const afterMs = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS);
    this.#retries.set(uid, { failures, at: this.#clock.now() + afterMs });
    await this.#report(pod, waitingStatus(pod, error, { failures, at }), signal);
    return { requeueAfterMs: afterMs };
  }

  async #stopPod(uid: string): Promise<void> {
    await this.#options.runner.stop(uid);
    for (const known of [this.#running, this.#exits, this.#retries, this.#reported, this.#bound])
      known.delete(uid);
    this.#sweeper.sweepSoon();
  }

  async #confirmDeletion(pod: Pod, signal: AbortSignal): Promise<void> {
    const { uid } = pod.metadata;
    await this.#options.client.delete(PODS, refOf(pod), { uid, gracePeriodSeconds: 0, signal });
  }

  /** Writes nothing that the API server knows already. The UID is a precondition: a namesake must not get this status. */
  async #report(pod: Pod, status: PodStatus, signal: AbortSignal): Promise<void> {
    const { uid } = pod.metadata;
    const change = mergePatchBetween(pod.status ?? {}, status);
    if (change === undefined || isDeepStrictEqual(this.#reported.get(uid), status)) return;
    const body = { metadata: { uid }, status: change };
    await this.#options.client.patch(
      PODS,
      refOf(pod),
      { kind: 'merge', body },
      { subresource: 'status', signal },
    );
    this.#reported.set(uid, status);
  }

  #wantedWorkspaces(): ReadonlySet<string> {
    const ofPods = this.#options.pods.list().flatMap((pod) => [pod.metadata.uid, workspaceOf(pod)]);
    return new Set([...this.#options.keptWorkspaces(), ...ofPods]);
  }

  #timestamp(): string {
    return new Date(this.#clock.now()).toISOString();
  }
}
