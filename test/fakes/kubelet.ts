import { isDeepStrictEqual } from 'node:util';
import type { ReadCache } from '../../kube/cache.ts';
import type { KubeClient } from '../../kube/client.ts';
import { ConflictError, NotFoundError } from '../../kube/errors.ts';
import { refOf } from '../../kube/objects.ts';
import type { KubeObject, ResourceType } from '../../kube/objects.ts';
import { PODS } from '../../kube/pod.ts';
import type { Pod, PodStatus } from '../../kube/pod.ts';
import type { FakeExecutors } from './executor.ts';

interface Binding extends KubeObject {
  readonly target: { readonly kind: string; readonly name: string };
}

/** As Kubernetes 1.34 says it of a node that is full. */
const RESIZE_PENDING = {
  type: 'PodResizePending',
  status: 'True',
  reason: 'Deferred',
  message: "Node didn't have enough resource: cpu, requested: 2000, used: 1270, capacity: 2000",
};

function isDeferred({ status }: Pod): boolean {
  return status?.conditions?.some(({ type }) => type === RESIZE_PENDING.type) === true;
}

/** A scheduler and a node in one: binds pods, starts and stops their executors, tells the API server. What goes wrong is the test's to say. */
export class FakeKubelet {
  /** New pods are neither scheduled nor started while this is set. */
  holdsStarts = false;
  /** What a node makes of a pod whose spec asks for other resources than its container has. */
  onResize: 'applies' | 'defers' | 'ignores' = 'applies';
  /** Pods stay in their deletion while this is set, as on a node that is gone. */
  holdsDeletions = false;
  readonly #client: KubeClient;
  readonly #executors: FakeExecutors;
  readonly #bound = new Set<string>();
  readonly #work = new Set<Promise<void>>();

  constructor(client: KubeClient, pods: ReadCache<Pod>, executors: FakeExecutors) {
    this.#client = client;
    this.#executors = executors;
    pods.subscribe(({ type, object }) => {
      if (type === 'deleted') executors.silence(object.metadata.uid);
      else this.#do(this.#sync(object));
    });
  }

  /** The container of a pod ends by itself. */
  async endContainer(pod: Pod, terminated: { exitCode: number; reason: string }): Promise<void> {
    this.#executors.silence(pod.metadata.uid);
    const containerStatuses = [
      { name: 'sandbox', ready: false, restartCount: 0, state: { terminated } },
    ];
    await this.setStatus(pod, { phase: 'Failed', containerStatuses });
  }

  async setStatus(pod: Pod, status: PodStatus): Promise<void> {
    await this.#client.patch(
      PODS,
      refOf(pod),
      { kind: 'merge', body: { status } },
      { subresource: 'status' },
    );
  }

  /** Starts a pod that was held back. */
  async start(pod: Pod): Promise<void> {
    await this.#bind(pod);
    this.#executors.start(pod.metadata.uid);
    const { resources = {} } = pod.spec.containers[0] ?? {};
    const running = { startedAt: pod.metadata.creationTimestamp };
    const containerStatuses = [
      { name: 'sandbox', ready: true, restartCount: 0, state: { running }, resources },
    ];
    await this.setStatus(pod, { phase: 'Running', podIP: '10.0.0.1', containerStatuses });
  }

  /** Resolves when all that was begun is done. */
  async settle(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  async #sync(pod: Pod): Promise<void> {
    const { uid, deletionTimestamp } = pod.metadata;
    if (deletionTimestamp !== undefined) {
      if (this.holdsDeletions) return;
      this.#executors.silence(uid);
      await this.#client.delete(PODS, refOf(pod), { uid, gracePeriodSeconds: 0 });
      return;
    }
    if (this.#bound.has(uid)) await this.#resize(pod);
    if (this.holdsStarts || this.#bound.has(uid)) return;
    this.#bound.add(uid);
    await this.start(pod);
  }

  async #resize(pod: Pod): Promise<void> {
    const [status] = pod.status?.containerStatuses ?? [];
    const [{ resources } = {}] = pod.spec.containers;
    if (status === undefined || isDeepStrictEqual(status.resources, resources)) return;
    if (this.onResize === 'applies')
      await this.setStatus(pod, { containerStatuses: [{ ...status, resources }] });
    if (this.onResize === 'defers' && !isDeferred(pod))
      await this.setStatus(pod, { conditions: [RESIZE_PENDING] });
  }

  async #bind({ metadata, spec }: Pod): Promise<void> {
    if (spec.nodeName !== undefined) return;
    const { name, namespace = '' } = metadata;
    const bindings: ResourceType<Binding> = {
      group: '',
      version: 'v1',
      plural: `pods/${name}/binding`,
      kind: 'Binding',
    };
    await this.#client.create(bindings, {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, namespace },
      target: { kind: 'Node', name: 'node-1' },
    });
  }

  /** A pod may be gone before its news are dealt with. */
  #do(work: Promise<void>): void {
    const done = work
      .catch((error: unknown) => {
        if (!(error instanceof NotFoundError || error instanceof ConflictError)) throw error;
      })
      .finally(() => this.#work.delete(done));
    this.#work.add(done);
  }
}
