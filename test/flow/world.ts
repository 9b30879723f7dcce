import { Registry } from 'prom-client';
import { KINDS } from '../../crds/definitions.ts';
import type { Execution } from '../../crds/execution.ts';
import { crdManifest } from '../../crds/manifest.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import { SANDBOX_TEMPLATES } from '../../crds/sandbox-template.ts';
import type { SandboxTemplate } from '../../crds/sandbox-template.ts';
import { createHttpClient } from '../../kube/http-client.ts';
import type { HttpClient } from '../../kube/http-client.ts';
import type { ManagedCache } from '../../kube/manager.ts';
import { createRuntimeMetrics } from '../../kube/metrics.ts';
import type { KubeObject, ResourceType } from '../../kube/objects.ts';
import type { Pod } from '../../kube/pod.ts';
import { ObjectDeletedError, waitFor } from '../../kube/wait-for.ts';
import { createApiServer } from '../../local/api-server/api-server.ts';
import type { ApiServer } from '../../local/api-server/api-server.ts';
import { createMemoryStore } from '../../local/api-server/store.ts';
import { createCaches } from '../../operator/caches.ts';
import type { Caches } from '../../operator/caches.ts';
import { DEFAULT_INDEX_POLICY } from '../../operator/package-index/allowed.ts';
import { createOperator } from '../../operator/operator.ts';
import type { Operator, OperatorDeps } from '../../operator/operator.ts';
import { ObjectCache } from '../../kube/object-cache.ts';
import { aTemplate } from '../builders/sandbox-template.ts';
import { FakeExecutors } from '../fakes/executor.ts';
import { FakeKubelet } from '../fakes/kubelet.ts';
import { FakeLogger } from '../fakes/logger.ts';
import { RecordingClient } from '../fakes/recording-client.ts';
import { SkippingClock } from '../fakes/skipping-clock.ts';

interface RecordedEvent extends KubeObject {
  readonly reason?: string;
}

const EVENTS: ResourceType<RecordedEvent> = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
};
const TOKEN = 'test';
const NAMESPACE = 'default';

/** The operator as it runs, and around it a real API server over HTTP, a fake node and fake executors. */
export class World {
  readonly clock = new SkippingClock();
  readonly logger = new FakeLogger();
  readonly executors = new FakeExecutors(this.clock);
  /** What the test sees: watched, so that nothing is polled. */
  readonly caches: Caches;
  readonly client: HttpClient;
  readonly kubelet: FakeKubelet;
  readonly #server: ApiServer;
  readonly #url: string;
  readonly #operators = new Set<Operator>();
  readonly #clients: HttpClient[] = [];

  private constructor(server: ApiServer, url: string, clock: SkippingClock) {
    this.#server = server;
    this.#url = url;
    this.clock = clock;
    this.executors = new FakeExecutors(clock);
    this.client = this.#connect();
    this.caches = createCaches({
      client: this.client,
      namespace: NAMESPACE,
      logger: this.logger,
      clock,
      random: Math.random,
      metrics: createRuntimeMetrics(new Registry()),
    });
    this.kubelet = new FakeKubelet(this.client, this.caches.pods, this.executors);
  }

  static async open({ resizesPods = false } = {}): Promise<World> {
    const clock = new SkippingClock();
    const server = createApiServer({
      crds: KINDS.map(crdManifest),
      store: createMemoryStore(),
      token: TOKEN,
      logger: new FakeLogger(),
      clock,
      resizesPods,
    });
    const world = new World(server, await server.listen(0, '127.0.0.1'), clock);
    for (const cache of world.#allCaches()) cache.start();
    await Promise.all(world.#allCaches().map((cache) => cache.whenSynced()));
    return world;
  }

  async close(): Promise<void> {
    for (const operator of this.#operators) await operator.stop();
    await this.kubelet.settle();
    for (const cache of this.#allCaches()) await cache.stop();
    for (const client of this.#clients) await client.close();
    await this.#server.close();
  }

  /** A new operator process, with a memory and connections of its own. */
  async startOperator(overrides: Partial<OperatorDeps> = {}): Promise<RunningOperator> {
    const recording = new RecordingClient(this.#connect());
    const operator = createOperator({
      client: recording.client,
      discovery: this.client,
      executor: this.executors,
      addressOf: () => ({ kind: 'tcp', host: '10.0.0.1', port: 8080 }),
      clock: this.clock,
      random: Math.random,
      logger: this.logger,
      registry: new Registry(),
      namespace: NAMESPACE,
      identity: 'test',
      packageIndexes: {
        policy: DEFAULT_INDEX_POLICY,
        open: () => () => Promise.resolve({ status: 404 }),
      },
      pod: { executorPublicKey: 'cHVibGlj', executorListen: 'tcp://0.0.0.0:8080' },
      ...overrides,
    });
    this.#operators.add(operator);
    await operator.start();
    const stop = async (): Promise<void> => {
      this.#operators.delete(operator);
      await operator.stop();
    };
    return { recording, stop };
  }

  async createTemplate(): Promise<void> {
    const { apiVersion, kind, metadata, spec } = aTemplate();
    const { name, namespace = NAMESPACE } = metadata;
    const draft = { apiVersion, kind, metadata: { name, namespace }, spec };
    await this.client.create(SANDBOX_TEMPLATES, draft);
  }

  async create<T extends Sandbox | Execution>(type: ResourceType<T>, object: T): Promise<T> {
    const { status: _none, metadata, ...rest } = object;
    const { name, namespace = NAMESPACE, finalizers } = metadata;
    const meta = finalizers === undefined ? { name, namespace } : { name, namespace, finalizers };
    return this.client.create(type, { ...rest, metadata: meta });
  }

  sandbox(until: (sandbox: Sandbox) => boolean, name = 'box'): Promise<Sandbox> {
    return this.#wait(this.caches.sandboxes, name, until);
  }

  execution(until: (execution: Execution) => boolean, name = 'run'): Promise<Execution> {
    return this.#wait(this.caches.executions, name, until);
  }

  pod(until: (pod: Pod) => boolean, name = 'box'): Promise<Pod> {
    return this.#wait(this.caches.pods, name, until);
  }

  template(until: (template: SandboxTemplate) => boolean, name: string): Promise<SandboxTemplate> {
    return this.#wait(this.caches.templates, name, until);
  }

  /** Resolves when user code of this execution has begun. */
  async started(uid: string): Promise<void> {
    await this.executors.until(() => this.executors.starts.some(({ id }) => id === uid));
  }

  async cancelled(uid: string): Promise<void> {
    await this.executors.until(() => this.executors.cancelled.includes(uid));
  }

  /** Resolves when a silent executor was asked something. */
  async unanswered(podUID: string): Promise<void> {
    await this.executors.until(() => this.executors.unanswered.includes(podUID));
  }

  /** Resolves when an event with this reason was recorded. */
  async event(reason: string): Promise<void> {
    const { client, logger, clock } = this;
    const events = new ObjectCache({ client, logger, clock, type: EVENTS, namespace: NAMESPACE });
    const recorded = new Promise<void>((resolve) => {
      events.subscribe(({ object }) => {
        if (object.reason === reason) resolve();
      });
    });
    events.start();
    await recorded;
    await events.stop();
  }

  /** Resolves when the object is gone, which it may be now. */
  async gone<T extends KubeObject>(cache: ObjectCache<T>, name: string): Promise<void> {
    if (cache.get({ namespace: NAMESPACE, name }) === undefined) return;
    await this.#wait(cache, name, () => false).catch((error: unknown) => {
      if (!(error instanceof ObjectDeletedError)) throw error;
    });
  }

  #wait<T extends KubeObject>(
    cache: ObjectCache<T>,
    name: string,
    until: (object: T) => boolean,
  ): Promise<T> {
    return waitFor(cache, { namespace: NAMESPACE, name }, { until });
  }

  #allCaches(): readonly ManagedCache[] {
    const { sandboxes, templates, executions, pods } = this.caches;
    return [sandboxes, templates, executions, pods];
  }

  #connect(): HttpClient {
    const client = createHttpClient({
      getCurrentCluster: () => ({ server: this.#url }),
      applyToHTTPSOptions: (options) => {
        options.headers = { Authorization: `Bearer ${TOKEN}` };
        return Promise.resolve();
      },
    });
    this.#clients.push(client);
    return client;
  }
}

export interface RunningOperator {
  readonly recording: RecordingClient;
  stop(): Promise<void>;
}

export function isReady({ status }: Sandbox): boolean {
  return status?.phase === 'Running';
}

export function isRunning({ status }: Execution): boolean {
  return status?.phase === 'Running';
}
