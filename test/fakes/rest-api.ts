import { createApp, type ApiOptions } from '../../api-shim/app.ts';
import { EXECUTION_INDEXES, SANDBOX_INDEXES } from '../../api-shim/caches.ts';
import { listen, type ApiServer } from '../../api-shim/server.ts';
import { EXECUTIONS, type Execution, type ExecutionStatus } from '../../crds/execution.ts';
import { SANDBOXES, type Sandbox, type SandboxStatus } from '../../crds/sandbox.ts';
import {
  SANDBOX_TEMPLATES,
  sandboxTemplateSpec,
  type SandboxTemplate,
} from '../../crds/sandbox-template.ts';
import { API_VERSION } from '../../crds/names.ts';
import type { Draft } from '../../kube/objects.ts';
import { PODS, type Pod, type PodStatus } from '../../kube/pod.ts';
import { controllerReference } from '../../kube/owner-reference.ts';
import { PODS_BY_OWNER } from '../../api-shim/executor-of.ts';
import { FakeClock } from './clock.ts';
import { EventStream } from './event-stream.ts';
import { FakeExecutors } from './executor.ts';
import { FakeLogger } from './logger.ts';
import { MemoryCluster, type MemoryCache } from './memory-cluster.ts';
import { FakePodLogs } from './pod-logs.ts';
import { RestClient } from './rest-client.ts';

/** The REST API on a loopback port, over a cluster in memory whose operator is the test. */
export class RestApi {
  readonly cluster: MemoryCluster;
  readonly clock: FakeClock;
  readonly logger: FakeLogger;
  readonly client: RestClient;
  readonly port: number;
  readonly sandboxes: MemoryCache<Sandbox>;
  readonly templates: MemoryCache<SandboxTemplate>;
  readonly executions: MemoryCache<Execution>;
  readonly pods: MemoryCache<Pod>;
  readonly executors: FakeExecutors;
  readonly logs: FakePodLogs;
  readonly #server: ApiServer;

  private constructor(parts: Parts, server: ApiServer, client: RestClient) {
    this.cluster = parts.cluster;
    this.clock = parts.clock;
    this.logger = parts.logger;
    this.sandboxes = parts.caches.sandboxes;
    this.templates = parts.caches.templates;
    this.executions = parts.caches.executions;
    this.pods = parts.caches.pods;
    this.executors = parts.executors;
    this.logs = parts.logs;
    this.port = server.port;
    this.client = client;
    this.#server = server;
  }

  /** With the template `python-basic` in it. */
  static async start({ moreNamespaces = [], ...options }: StartOptions = {}): Promise<RestApi> {
    const parts = partsOf();
    const moreTenants = new Map(
      moreNamespaces.map((namespace) => [namespace, parts.caches] as const),
    );
    const api = await RestApi.#serve(parts, { moreTenants, ...options });
    await api.addTemplate('python-basic', { timeouts: { idleSeconds: 300 } });
    return api;
  }

  /** Another replica on the same cluster, whose caches never hear of anything. */
  static startBeside({ cluster, clock, logger, executors, logs }: RestApi): Promise<RestApi> {
    const { caches } = partsOf();
    return RestApi.#serve({ cluster, clock, logger, executors, logs, caches }, {});
  }

  static async #serve(parts: Parts, options: Partial<ApiOptions>): Promise<RestApi> {
    const { cluster, clock, logger, executors, caches } = parts;
    const fixed = {
      client: cluster,
      caches,
      executor: executors,
      logs: parts.logs,
      addressOf: () => ({ kind: 'tcp', host: '10.0.0.1', port: 8080 }) as const,
      clock,
      logger,
      namespace: 'default',
      version: '1.2.3',
    };
    const closing = new AbortController();
    const app = createApp({ ...fixed, closing: closing.signal, ...options });
    const server = await listen(app, { host: '127.0.0.1', port: 0, closing });
    return new RestApi(parts, server, await RestClient.connect(server.port));
  }

  /** As kubectl does it. */
  addTemplate(name: string, spec: object = {}, namespace = 'default'): Promise<SandboxTemplate> {
    return this.cluster.create(SANDBOX_TEMPLATES, {
      apiVersion: API_VERSION,
      kind: 'SandboxTemplate',
      metadata: { name, namespace },
      spec: sandboxTemplateSpec.parse({ image: `${name}:latest`, ...spec }),
    });
  }

  /** The object behind the REST id of a session. */
  sandbox(id: unknown): Sandbox {
    return found(this.cluster.all(SANDBOXES), id);
  }

  execution(id: unknown): Execution {
    return found(this.cluster.all(EXECUTIONS), id);
  }

  /** What the operator reports of a session. */
  reportSession(id: unknown, status: SandboxStatus): void {
    this.cluster.setStatus(SANDBOXES, this.sandbox(id).metadata.name, status);
  }

  reportExecution(id: unknown, status: ExecutionStatus): void {
    this.cluster.setStatus(EXECUTIONS, this.execution(id).metadata.name, status);
  }

  /** The id of a new session that runs. */
  async runningSession(body: object = {}): Promise<string> {
    const { body: session } = await this.client.post('/sessions', {
      template_id: 'python-basic',
      ...body,
    });
    this.becomesReady(session['id']);
    return String(session['id']);
  }

  /** The operator and a node bring up the pod of a session, and its executor answers. */
  becomesReady(id: unknown): Pod {
    const sandbox = this.sandbox(id);
    const name = `pod-${String(id)}`;
    const pod = this.cluster.add(PODS, podOf(sandbox, name));
    this.executors.start(pod.metadata.uid);
    this.reportSession(id, {
      phase: 'Running',
      reason: 'ExecutorAnswering',
      podName: name,
      podUID: pod.metadata.uid,
      nodeName: 'node-1',
    });
    return pod;
  }

  /** The operator hands an execution to the executor of its session. */
  async handOver(id: unknown): Promise<string> {
    const { metadata, spec } = this.execution(id);
    const name = spec.sandboxRef.name;
    const sandbox = this.cluster.all(SANDBOXES).find((each) => each.metadata.name === name);
    const podUID = sandbox?.status?.podUID ?? '';
    const target = { podUID, address: { kind: 'tcp', host: '10.0.0.1', port: 8080 } } as const;
    const request = { ...spec, env: {}, timeoutMs: 30_000 };
    await this.executors.run(target, metadata.uid, request, { waitMs: 0 });
    return metadata.uid;
  }

  /** Server-sent events of a path below /api/v1; with a body it is a POST. */
  events(path: string, { body, headers = {} }: EventsCall = {}): Promise<EventStream> {
    const url = `http://127.0.0.1:${String(this.port)}/api/v1${path}`;
    if (body === undefined) return EventStream.open(url, { headers });
    return EventStream.open(url, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
  }

  async stop(graceMs = 0): Promise<void> {
    await this.#server.close(graceMs);
  }
}

/** The caches in memory hold every namespace. */
type StartOptions = Partial<ApiOptions> & { readonly moreNamespaces?: readonly string[] };

interface EventsCall {
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Parts {
  readonly cluster: MemoryCluster;
  readonly clock: FakeClock;
  readonly logger: FakeLogger;
  readonly executors: FakeExecutors;
  readonly logs: FakePodLogs;
  readonly caches: {
    readonly sandboxes: MemoryCache<Sandbox>;
    readonly templates: MemoryCache<SandboxTemplate>;
    readonly executions: MemoryCache<Execution>;
    readonly pods: MemoryCache<Pod>;
  };
}

function podOf(sandbox: Sandbox, name: string): Draft<Pod> {
  const draft: Draft<Pod> & { readonly status: PodStatus } = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', ownerReferences: [controllerReference(sandbox)] },
    spec: { containers: [{ name: 'sandbox', image: 'python-basic:latest' }], nodeName: 'node-1' },
    status: { phase: 'Running', podIP: '10.0.0.1', startTime: '2026-11-24T07:02:20Z' },
  };
  return draft;
}

function partsOf(): Parts {
  const clock = new FakeClock('2026-11-24T07:02:20.607Z');
  const cluster = new MemoryCluster(clock);
  const caches = {
    sandboxes: cluster.cacheOf(SANDBOXES, SANDBOX_INDEXES),
    templates: cluster.cacheOf(SANDBOX_TEMPLATES),
    executions: cluster.cacheOf(EXECUTIONS, EXECUTION_INDEXES),
    pods: cluster.cacheOf(PODS, { [PODS_BY_OWNER.name]: PODS_BY_OWNER.of }),
  };
  return {
    cluster,
    clock,
    logger: new FakeLogger(),
    executors: new FakeExecutors(clock),
    logs: new FakePodLogs(),
    caches,
  };
}

function found<T extends Sandbox | Execution>(objects: readonly T[], id: unknown): T {
  const object = objects.find(
    ({ metadata }) => metadata.name === id || metadata.annotations?.['sandbox.ai/rest-id'] === id,
  );
  if (object === undefined) throw new Error(`no object of id ${String(id)}`);
  return object;
}

/** Lets the server work until something shows; ends by the test runner's own limit. */
export async function waitUntil(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
