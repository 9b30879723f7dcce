import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Agent, fetch } from 'undici';
import { isConditionTrue } from '../../../kube/conditions.ts';
import type { KubeClient } from '../../../kube/client.ts';
import type { Condition, KubeObject, ResourceType } from '../../../kube/objects.ts';
import { NAMESPACES } from '../namespaces.ts';
import type { Live, System } from './system.ts';
import { POD_RESOURCES, PROGRAM } from './pods.ts';
import { Watched } from './watched.ts';

const GROUP = 'extensions.agents.x-k8s.io';
const VERSION = 'v1beta1';
const API_VERSION = `${GROUP}/${VERSION}`;
const NAMESPACE = 'bench-agent-sandbox';
const NAME = 'bench';
const PORT = 8888;

interface Anything extends KubeObject {
  readonly spec?: object;
}
interface WarmPool extends KubeObject {
  readonly spec: { readonly replicas: number; readonly sandboxTemplateRef: { name: string } };
  readonly status?: { readonly replicas?: number; readonly readyReplicas?: number };
}
interface Claim extends KubeObject {
  readonly spec: { readonly warmPoolRef: { readonly name: string } };
  readonly status?: {
    readonly conditions?: readonly Condition[];
    readonly sandbox?: { readonly name?: string; readonly podIPs?: readonly string[] };
  };
}

const TEMPLATES: ResourceType<Anything> = kind('SandboxTemplate', 'sandboxtemplates');
const POOLS: ResourceType<WarmPool> = kind('SandboxWarmPool', 'sandboxwarmpools');
const CLAIMS: ResourceType<Claim> = kind('SandboxClaim', 'sandboxclaims');

function kind<T extends KubeObject>(name: string, plural: string): ResourceType<T> {
  return { group: GROUP, version: VERSION, plural, kind: name };
}

export interface AgentSandboxOptions {
  readonly client: KubeClient;
  /** Of the pods. */
  readonly image: string;
  /** Default or tuned, and how. */
  readonly flags: string;
  /** Connections to each pod at most. */
  readonly connections: number;
}

/**
 * kubernetes-sigs/agent-sandbox with its extensions: a SandboxClaim from a SandboxWarmPool, then a request to the pod's own server. The request goes straight to the
 * pod rather than through its router, and the server is lighter than its example's: both in its favour.
 */
export class AgentSandbox implements System {
  readonly name: string;
  readonly facts: System['facts'];
  readonly userAgents = ['controller/'];
  readonly #client: KubeClient;
  readonly #dispatcher: Agent;
  readonly #claims: Watched<Claim>;
  readonly #pools: Watched<WarmPool>;
  #size = 0;
  #count = 0;

  private constructor({ client, flags, connections }: AgentSandboxOptions) {
    this.name = `agent-sandbox (${flags === '' ? 'default' : 'tuned'})`;
    this.#client = client;
    this.#dispatcher = new Agent({ connections });
    this.#claims = new Watched(client, CLAIMS, NAMESPACE);
    this.#pools = new Watched(client, POOLS, NAMESPACE);
    this.facts = {
      way: 'SandboxClaim by the Kubernetes API, then POST /execute to the pod itself; no record of a run',
      flags,
      'connections to each pod, kept open': connections,
    };
  }

  static async open(options: AgentSandboxOptions): Promise<AgentSandbox> {
    const { client, image } = options;
    const named = { metadata: { name: NAME, namespace: NAMESPACE } };
    await client.create(NAMESPACES, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: NAMESPACE },
    });
    await client.create(TEMPLATES, {
      apiVersion: API_VERSION,
      kind: 'SandboxTemplate',
      ...named,
      spec: { podTemplate: { spec: podSpec(image) }, networkPolicyManagement: 'Unmanaged' },
    });
    await client.create(POOLS, {
      apiVersion: API_VERSION,
      kind: 'SandboxWarmPool',
      ...named,
      spec: { replicas: 0, sandboxTemplateRef: { name: NAME } },
    });
    return new AgentSandbox(options);
  }

  async setPool(size: number): Promise<void> {
    this.#size = size;
    const ref = { namespace: NAMESPACE, name: NAME };
    const body = { spec: { replicas: size } };
    await this.#client.patch(POOLS, ref, { kind: 'merge', body });
    await this.poolIsFull();
  }

  async poolIsFull(): Promise<void> {
    await this.#pools.until(NAME, ({ status }) => {
      const { replicas = 0, readyReplicas = 0 } = status ?? {};
      return replicas === this.#size && readyReplicas === this.#size;
    });
  }

  async create(): Promise<Live> {
    this.#count += 1;
    const name = `claim-${Date.now().toString(36)}-${String(this.#count)}`;
    const ref = { namespace: NAMESPACE, name };
    await this.#client.create(CLAIMS, {
      apiVersion: API_VERSION,
      kind: 'SandboxClaim',
      metadata: ref,
      spec: { warmPoolRef: { name: NAME } },
    });
    const claimed = this.#claims.until(name, ({ status }) => {
      const [address] = status?.sandbox?.podIPs ?? [];
      return isConditionTrue(status?.conditions, 'Ready') && address !== undefined;
    });
    claimed.catch(() => undefined);
    let sandbox = '';
    const ready = claimed.then(({ status }) => {
      sandbox = status?.sandbox?.name ?? '';
    });
    ready.catch(() => undefined);
    return {
      ready,
      objects: () => [name, sandbox],
      run: async () => {
        const { status } = await claimed;
        await this.#execute(status?.sandbox?.podIPs?.[0] ?? '');
      },
      remove: () => this.#client.delete(CLAIMS, ref),
    };
  }

  async #execute(address: string): Promise<void> {
    const answer = await fetch(`http://${address}:${String(PORT)}/execute`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ command: `python3 -c '${PROGRAM}'` }),
      dispatcher: this.#dispatcher,
    });
    const { exit_code: code, stdout } = (await answer.json()) as Record<string, unknown>;
    if (code !== 0 || stdout !== '1\n') throw new Error(`the run ended with ${String(code)}`);
  }

  async close(): Promise<void> {
    await this.#client.delete(NAMESPACES, { namespace: '', name: NAMESPACE });
    await this.#claims.close();
    await this.#pools.close();
    await this.#dispatcher.close();
  }
}

function podSpec(image: string): object {
  const { cpu, cpuRequest, memory, disk } = POD_RESOURCES;
  const limits = { memory, 'ephemeral-storage': disk };
  const program = readFileSync(path.join(import.meta.dirname, '../agent-sandbox/runtime.py'));
  return {
    automountServiceAccountToken: false,
    containers: [
      {
        name: 'python-runtime',
        image,
        command: ['python3', '-c', program.toString()],
        ports: [{ containerPort: PORT }],
        readinessProbe: { httpGet: { path: '/', port: PORT }, periodSeconds: 1 },
        resources: {
          requests: { ...limits, cpu: cpuRequest },
          limits: { ...limits, cpu },
        },
      },
    ],
  };
}
