import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { promisify } from 'node:util';
import { EXECUTOR_PORT } from '../../executor/contract.ts';
import type { KubeClient } from '../../kube/client.ts';
import { NotFoundError } from '../../kube/errors.ts';
import { ObjectCache } from '../../kube/object-cache.ts';
import { refOf, type KubeObject, type ResourceType } from '../../kube/objects.ts';
import { PODS, type Pod } from '../../kube/pod.ts';
import { QUIET } from './quiet-logger.ts';

const exec = promisify(execFile);

interface Node extends KubeObject {
  readonly spec?: object;
}
interface Lease extends KubeObject {
  readonly spec: object;
}
const NODES: ResourceType<Node> = { group: '', version: 'v1', plural: 'nodes', kind: 'Node' };
const LEASES: ResourceType<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
};

/** Pods of sandboxes that want this node; see `templateSpec` of scale.ts. */
export const NODE_NAME = 'bench-fake';
const LEASE_NAMESPACE = 'kube-node-lease';
/** Every address in it is one of this machine, so that one server can be the executor of all pods. */
const ADDRESSES = '198.19';
const HEARTBEAT_MS = 10_000;

/**
 * A node of which only the part that the API server sees is there: its pods start at once and end at once, and all their executors are one server that says that it is
 * well. It tells what an operator costs, where real pods would cost many machines. The scheduler and everything else of the cluster are real.
 */
export class FakeNode {
  readonly #client: KubeClient;
  readonly #pods: ObjectCache<Pod>;
  readonly #executors: Server;
  readonly #heartbeat: NodeJS.Timeout;
  readonly #started = new Set<string>();

  private constructor(client: KubeClient, namespace: string, executors: Server) {
    this.#client = client;
    this.#executors = executors;
    this.#pods = new ObjectCache({ client, type: PODS, namespace, logger: QUIET });
    this.#pods.subscribe(({ type, object }) => {
      if (type !== 'deleted') this.#sync(object).catch(ignoreGone);
    });
    this.#heartbeat = setInterval(() => void this.#renew().catch(() => undefined), HEARTBEAT_MS);
  }

  static async start(client: KubeClient, namespace: string): Promise<FakeNode> {
    await exec('ip', ['route', 'replace', 'local', `${ADDRESSES}.0.0/16`, 'dev', 'lo']);
    const executors = await serveExecutors();
    const node = new FakeNode(client, namespace, executors);
    await node.#register();
    node.#pods.start();
    return node;
  }

  async stop(): Promise<void> {
    clearInterval(this.#heartbeat);
    await this.#pods.stop();
    this.#executors.closeAllConnections();
    this.#executors.close();
    await this.#client.delete(NODES, { namespace: '', name: NODE_NAME });
    await exec('ip', ['route', 'del', 'local', `${ADDRESSES}.0.0/16`, 'dev', 'lo']);
  }

  async #register(): Promise<void> {
    await this.#client.create(NODES, {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: NODE_NAME, labels: { 'kubernetes.io/hostname': NODE_NAME } },
      spec: { taints: [{ key: 'bench', value: 'fake', effect: 'NoSchedule' }] },
    });
    const capacity = {
      pods: '20000',
      cpu: '20000',
      memory: '20Ti',
      'ephemeral-storage': '20Ti',
    };
    const conditions = [{ type: 'Ready', status: 'True', reason: 'Fake', message: '' }];
    const body = { status: { capacity, allocatable: capacity, conditions } };
    const ref = { namespace: '', name: NODE_NAME };
    await this.#client.patch(NODES, ref, { kind: 'merge', body }, { subresource: 'status' });
    await this.#renew();
  }

  async #renew(): Promise<void> {
    const renewTime = new Date().toISOString().replace('Z', '000Z');
    const body = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: NODE_NAME, namespace: LEASE_NAMESPACE },
      spec: { holderIdentity: NODE_NAME, leaseDurationSeconds: 40, renewTime },
    };
    const ref = { namespace: LEASE_NAMESPACE, name: NODE_NAME };
    await this.#client.patch(LEASES, ref, { kind: 'apply', fieldManager: 'bench', body });
  }

  async #sync(pod: Pod): Promise<void> {
    if (pod.spec.nodeName !== NODE_NAME) return;
    if (pod.metadata.deletionTimestamp !== undefined) {
      await this.#client.delete(PODS, refOf(pod), { gracePeriodSeconds: 0 });
      return;
    }
    if (this.#started.has(pod.metadata.uid)) return;
    const number = this.#started.add(pod.metadata.uid).size;
    const podIP = `${ADDRESSES}.${String(Math.floor(number / 250))}.${String((number % 250) + 1)}`;
    const state = { running: { startedAt: new Date().toISOString() } };
    const container = { name: 'sandbox', image: '', imageID: '', restartCount: 0 };
    const status = {
      phase: 'Running',
      podIP,
      podIPs: [{ ip: podIP }],
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [{ ...container, ready: true, started: true, state }],
    };
    const patch = { kind: 'merge', body: { status } } as const;
    await this.#client.patch(PODS, refOf(pod), patch, { subresource: 'status' });
  }
}

function ignoreGone(error: unknown): void {
  if (!(error instanceof NotFoundError)) console.error('fake node:', error);
}

const HEALTH = { status: 'ok', version: 'fake', uptimeMs: 1, languages: ['python'] };

async function serveExecutors(): Promise<Server> {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url === '/v1/health') {
      response.end(JSON.stringify(HEALTH));
      return;
    }
    if (request.url === '/v1/activity') {
      const lastActivityAt = new Date(0).toISOString();
      response.end(JSON.stringify({ lastActivityAt, runningExecutions: 0 }));
      return;
    }
    response.statusCode = 404;
    response.end(JSON.stringify({ code: 'NotFound', message: 'not played' }));
  });
  await new Promise<void>((resolve) => server.listen(EXECUTOR_PORT, resolve));
  return server;
}
