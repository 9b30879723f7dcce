import { readFileSync } from 'node:fs';
import path from 'node:path';
import { jest } from '@jest/globals';
import { Agent, request, type Dispatcher } from 'undici';
import { parse } from 'yaml';
import { z } from 'zod';
import { createApiServer } from '../../local/api-server/api-server.ts';
import { kubeconfigFor } from '../../local/api-server/kubeconfig.ts';
import { createMemoryStore } from '../../local/api-server/store.ts';
import { FakeLogger } from '../fakes/logger.ts';
import { WIDGET_CRD, WIDGETS } from './widget-crd.ts';

// A real server's garbage collector and namespace controller take their time.
jest.setTimeout(60_000);

/** Where the suite runs: the fake of `local/`, or the real API server of CONTRACT_KUBECONFIG. */
export interface Environment {
  /** A namespace of this file's own. */
  readonly namespace: string;
  readonly api: Api;
  /** For kubectl. */
  readonly kubeconfig: string;
  close(): Promise<void>;
}

/** What the tests look at in an answer; a field that is not there is undefined whatever its type says. */
export interface Body {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly deletionGracePeriodSeconds?: number;
    readonly continue?: string;
    readonly remainingItemCount?: number;
    readonly finalizers?: readonly string[];
    readonly labels?: Readonly<Record<string, string>>;
    readonly managedFields?: readonly object[];
  };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status: unknown;
  readonly items: readonly Body[];
  readonly message: string;
  readonly reason: string;
  readonly code?: number;
  /** Of a table. */
  readonly rows: readonly { readonly cells: readonly unknown[]; readonly object: Body }[];
  /** Of the OpenAPI index. */
  readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>>;
}

export interface Reply {
  readonly code: number;
  readonly body: Body;
  readonly text: string;
  readonly warning: string;
}

export interface WatchedEvent {
  readonly type: string;
  readonly object: Body;
}

export interface Call {
  readonly body?: unknown;
  readonly type?: string;
  readonly accept?: string;
  readonly token?: string;
}

/** Plain HTTP to the API server. */
export class Api {
  readonly #url: string;
  readonly #token: string;
  readonly #dispatcher: Agent;

  constructor(url: string, token: string, ca?: string) {
    this.#url = url;
    this.#token = token;
    this.#dispatcher = new Agent(ca === undefined ? {} : { connect: { ca } });
  }

  async call(
    method: Dispatcher.HttpMethod,
    at: string,
    { body, ...call }: Call = {},
  ): Promise<Reply> {
    const text = typeof body === 'string' ? body : body === undefined ? null : JSON.stringify(body);
    const answer = await request(`${this.#url}${at}`, {
      method,
      dispatcher: this.#dispatcher,
      headers: this.#headers(call),
      body: text,
    });
    const received = await answer.body.text();
    const json = received.startsWith('{') ? (JSON.parse(received) as Body) : ({} as Body);
    return {
      code: answer.statusCode,
      body: json,
      text: received,
      warning: String(answer.headers['warning'] ?? ''),
    };
  }

  get(at: string, call?: Call): Promise<Reply> {
    return this.call('GET', at, call);
  }

  post(at: string, body: unknown): Promise<Reply> {
    return this.call('POST', at, { body });
  }

  put(at: string, body: unknown): Promise<Reply> {
    return this.call('PUT', at, { body });
  }

  merge(at: string, body: unknown): Promise<Reply> {
    return this.call('PATCH', at, { body, type: 'application/merge-patch+json' });
  }

  apply(at: string, body: unknown): Promise<Reply> {
    return this.call('PATCH', at, { body, type: 'application/apply-patch+yaml' });
  }

  delete(at: string, body?: unknown): Promise<Reply> {
    return this.call('DELETE', at, { body });
  }

  /** Events until the server ends the watch or the caller leaves the loop. */
  async *watch(at: string, call: Call = {}): AsyncGenerator<WatchedEvent> {
    const query = at.includes('?') ? '&' : '?';
    const answer = await request(`${this.#url}${at}${query}watch=true`, {
      dispatcher: this.#dispatcher,
      headers: this.#headers(call),
    });
    let rest = '';
    for await (const chunk of answer.body) {
      const lines = (rest + String(chunk)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line) as WatchedEvent;
    }
  }

  close(): Promise<void> {
    return this.#dispatcher.destroy();
  }

  #headers({
    type = 'application/json',
    accept = 'application/json',
    token = this.#token,
  }: Call): Record<string, string> {
    const authorization: Record<string, string> =
      token === '' ? {} : { Authorization: `Bearer ${token}` };
    return { 'Content-Type': type, Accept: accept, ...authorization };
  }
}

/** True where the suite runs against the real thing. */
export const REAL = process.env['CONTRACT_KUBECONFIG'] !== undefined;

/** With the test kind installed and a fresh namespace. */
export async function startEnvironment(): Promise<Environment> {
  const { api, kubeconfig, close } = REAL ? realServer() : await fakeServer();
  await install(api);
  const { body } = await api.post('/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { generateName: 'contract-' },
  });
  const namespace = body.metadata.name;
  // Pods are refused until their namespace has a service account.
  if (REAL)
    await until(
      async () =>
        (await api.get(`/api/v1/namespaces/${namespace}/serviceaccounts/default`)).code === 200,
    );
  return {
    namespace,
    api,
    kubeconfig,
    close: async () => {
      await api.delete(`/api/v1/namespaces/${namespace}`);
      await api.close();
      await close();
    },
  };
}

async function install(api: Api): Promise<void> {
  const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const { name } = WIDGET_CRD.metadata;
  const { body } = await api.apply(`${crds}/${name}?fieldManager=contract&force=true`, WIDGET_CRD);
  if (body.code !== undefined) throw new Error(body.message);
  await until(async () => (await api.get(WIDGETS)).code === 200);
}

/** Looks again until `done`; the test's own timeout is the limit. */
export async function until(done: () => Promise<boolean>): Promise<void> {
  while (!(await done())) await new Promise((resolve) => setTimeout(resolve, 20));
}

interface Server {
  readonly api: Api;
  readonly kubeconfig: string;
  readonly close: () => Promise<void>;
}

async function fakeServer(): Promise<Server> {
  const token = 'contract';

  const server = createApiServer({
    crds: [],
    store: createMemoryStore(),
    token,
    logger: new FakeLogger(),
    resizesPods: true,
  });
  const url = await server.listen(0, '127.0.0.1');
  return {
    api: new Api(url, token),
    kubeconfig: kubeconfigFor(url, token),
    close: () => server.close(),
  };
}

const kubeconfigFile = z.object({
  clusters: z.tuple([
    z.object({ cluster: z.object({ server: z.string(), 'certificate-authority': z.string() }) }),
  ]),
  users: z.tuple([z.object({ user: z.object({ token: z.string() }) })]),
});

function realServer(): Server {
  const file = path.resolve(process.env['CONTRACT_KUBECONFIG'] ?? '');
  const kubeconfig = readFileSync(file, 'utf8');
  const { clusters, users } = kubeconfigFile.parse(parse(kubeconfig));
  const { server, 'certificate-authority': ca } = clusters[0].cluster;
  const api = new Api(server, users[0].user.token, readFileSync(ca, 'utf8'));
  return { api, kubeconfig, close: () => Promise.resolve() };
}
