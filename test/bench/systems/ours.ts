import { Agent, fetch } from 'undici';
import { objectNameOf } from '../../../api-shim/names.ts';
import { API_VERSION } from '../../../crds/names.ts';
import { SANDBOXES, type Sandbox } from '../../../crds/sandbox.ts';
import {
  SANDBOX_TEMPLATES,
  sandboxTemplateSpec,
  type SandboxTemplate,
} from '../../../crds/sandbox-template.ts';
import { isConditionTrue } from '../../../kube/conditions.ts';
import type { KubeClient } from '../../../kube/client.ts';
import type { System, Live } from './system.ts';
import { POD_RESOURCES } from './pods.ts';
import { Watched } from './watched.ts';

export interface OursOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Connections to the REST API at most, kept open. */
  readonly connections: number;
}

const TEMPLATE = 'bench';
const TRIVIAL = 'def handler(event):\n    return 1';

/** What else ours can do with one. */
export interface OurLive extends Live {
  run(code?: string): Promise<void>;
  /** Resolves once its files are stored and its pod is given up. */
  suspend(): Promise<void>;
}

/** Sandbox Control Plane, by its REST API alone but for the template; Ready is read from its objects. */
export class Ours implements System {
  readonly name = 'Sandbox Control Plane';
  readonly facts: System['facts'];
  readonly userAgents = ['sandbox-operator', 'sandbox-api-shim'];
  readonly #options: OursOptions;
  readonly #dispatcher: Agent;
  readonly #sandboxes: Watched<Sandbox>;
  readonly #templates: Watched<SandboxTemplate>;
  #size = 0;

  private constructor(options: OursOptions) {
    const { client, namespace, connections } = options;
    this.#options = options;
    this.#dispatcher = new Agent({ connections, headersTimeout: 0, bodyTimeout: 0 });
    this.#sandboxes = new Watched(client, SANDBOXES, namespace);
    this.#templates = new Watched(client, SANDBOX_TEMPLATES, namespace);
    this.facts = {
      way: 'REST: POST /sessions, then execute-sync, each with its durable record',
      'connections to the REST API, kept open': connections,
    };
  }

  /** Makes its template from the one that the chart brings. */
  static async open(options: OursOptions): Promise<Ours> {
    const { client, namespace } = options;
    const basic = await client.get(SANDBOX_TEMPLATES, { namespace, name: 'python-basic' });
    const spec = sandboxTemplateSpec.parse({ ...basic.spec, resources: POD_RESOURCES });
    await client.create(SANDBOX_TEMPLATES, {
      apiVersion: API_VERSION,
      kind: SANDBOX_TEMPLATES.kind,
      metadata: { name: TEMPLATE, namespace },
      spec,
    });
    return new Ours(options);
  }

  async setPool(size: number): Promise<void> {
    this.#size = size;
    const { client, namespace } = this.#options;
    const body = { spec: { warmPool: { size } } };
    const ref = { namespace, name: TEMPLATE };
    await client.patch(SANDBOX_TEMPLATES, ref, { kind: 'merge', body });
    await this.poolIsFull();
  }

  async poolIsFull(): Promise<void> {
    await this.#templates.until(TEMPLATE, ({ status }) => {
      const { replicas = 0, ready = 0 } = status?.warmPool ?? {};
      return ready === this.#size && replicas === this.#size;
    });
  }

  async create(): Promise<OurLive> {
    const { id } = await this.#call<{ id: string }>('POST', '/sessions', { template_id: TEMPLATE });
    const name = objectNameOf(id);
    let podName = '';
    const ready = this.#sandboxes
      .until(name, ({ status }) => {
        if (status?.phase === 'Failed') throw new Error(status.message);
        podName = status?.podName ?? '';
        return isConditionTrue(status?.conditions, 'Ready');
      })
      .then(() => undefined);
    ready.catch(() => undefined);
    return {
      ready,
      objects: () => [name, podName],
      run: async (code = TRIVIAL) => {
        const path = `/executions/sessions/${id}/execute-sync`;
        const body = { code, language: 'python', timeout: 60 };
        const { status } = await this.#call<{ status: string }>('POST', path, body);
        if (status !== 'completed') throw new Error(`the run ended as ${status}`);
      },
      suspend: async () => {
        await this.#call('POST', `/sessions/${id}/suspend`);
        await this.#sandboxes.until(name, ({ status }) => status?.phase === 'Suspended');
      },
      remove: async () => {
        await this.#call('DELETE', `/sessions/${id}`);
      },
    };
  }

  async close(): Promise<void> {
    const { client, namespace } = this.#options;
    await client.delete(SANDBOX_TEMPLATES, { namespace, name: TEMPLATE });
    await this.#sandboxes.close();
    await this.#templates.close();
    await this.#dispatcher.close();
  }

  async #call<T>(method: string, path: string, body?: object): Promise<T> {
    const { baseUrl, apiKey } = this.#options;
    const answer = await fetch(`${baseUrl}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      dispatcher: this.#dispatcher,
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${String(answer.status)} ${text}`);
    return (text === '' ? {} : JSON.parse(text)) as T;
  }
}
