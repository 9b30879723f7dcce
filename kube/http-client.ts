import type { Dispatcher } from 'undici';
import type {
  DeleteOptions,
  KubeClient,
  ListOptions,
  Patch,
  PatchOptions,
  WatchEvent,
  WatchOptions,
} from './client.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { withDeadline } from './deadline.ts';
import type { Discovery } from './discovery.ts';
import { KubeError } from './errors.ts';
import { apiVersionOf, refOf } from './objects.ts';
import type { Draft, KubeList, KubeObject, ObjectRef, ResourceType } from './objects.ts';
import { PODS } from './pod.ts';
import type { PodLogOptions, PodLogs } from './pod-log.ts';
import { resourcePath } from './resource-path.ts';
import { errorFromAnswer, errorFromConnection } from './status-error.ts';
import { Transport } from './transport.ts';
import type { ApiServerConfig, WireRequest } from './transport.ts';
import { watchEvents } from './watch-stream.ts';

export interface HttpClientOptions {
  /** For the whole of a call, its body included; a watch has no limit. Default 30 s. */
  readonly requestTimeoutMs?: number;
  /** Calls at a time; watches do not count. Default 64. */
  readonly connections?: number;
  readonly userAgent?: string;
  readonly clock?: Clock;
}

export interface HttpClient extends KubeClient, PodLogs, Discovery {
  /** Ends all connections, open watches included. */
  close(): Promise<void>;
}

/**
 * The KubeClient for a real API server. `config` is client-node's KubeConfig (see `loadKubeConfig`), or anything that answers like it.
 * A call whose signal aborts rejects with the signal's reason.
 */
export function createHttpClient(
  config: ApiServerConfig,
  {
    requestTimeoutMs = 30_000,
    connections = 64,
    userAgent = 'kube',
    clock = systemClock,
  }: HttpClientOptions = {},
): HttpClient {
  const transport = new Transport(config, { connections, userAgent, clock });
  return new UndiciClient(transport, clock, requestTimeoutMs);
}

type Call = Omit<WireRequest, 'pool' | 'signal'> & { readonly signal?: AbortSignal | undefined };

/** meta/v1 APIResourceList. */
interface ApiResources {
  readonly resources: readonly { readonly name: string }[];
}

class UndiciClient implements HttpClient {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #timeoutMs: number;

  constructor(transport: Transport, clock: Clock, timeoutMs: number) {
    this.#transport = transport;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  async serves(
    { group, version, plural }: ResourceType<KubeObject>,
    subresource: string,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    const found = (await this.#call({ method: 'GET', path, signal })) as ApiResources;
    return found.resources.some(({ name }) => name === `${plural}/${subresource}`);
  }

  async get<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.#object(type, { method: 'GET', path: resourcePath(type, ref), signal });
  }

  async list<T extends KubeObject>(
    type: ResourceType<T>,
    options: ListOptions = {},
  ): Promise<KubeList<T>> {
    const { namespace, signal, ...filter } = options;
    const path = `${resourcePath(type, { namespace })}${queryOf(filter)}`;
    const list = (await this.#call({ method: 'GET', path, signal })) as KubeList<T>;
    return { ...list, items: list.items.map((item) => typed(type, item)) };
  }

  async *watch<T extends KubeObject>(
    type: ResourceType<T>,
    { namespace, signal, ...filter }: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    const query = queryOf({ watch: true, allowWatchBookmarks: true, ...filter });
    const path = `${resourcePath(type, { namespace })}${query}`;
    try {
      signal.throwIfAborted();
      const request: WireRequest = { method: 'GET', path, signal, pool: 'watches' };
      const response = await this.#transport.send(request);
      if (response.statusCode >= 400) throw await this.#refusal(request, response);
      yield* watchEvents(type, response.body);
    } catch (error) {
      throw failure(error, signal, `watch ${path}`);
    }
  }

  async podLog(
    ref: ObjectRef,
    { signal, ...options }: PodLogOptions,
  ): Promise<AsyncIterable<Buffer>> {
    const path = `${resourcePath(PODS, { ...ref, subresource: 'log' })}${queryOf(options)}`;
    try {
      const request: WireRequest = { method: 'GET', path, signal, pool: 'watches' };
      const response = await this.#transport.send(request);
      if (response.statusCode >= 400) throw await this.#refusal(request, response);
      return response.body;
    } catch (error) {
      throw failure(error, signal, `log ${path}`);
    }
  }

  async create<T extends KubeObject>(
    type: ResourceType<T>,
    draft: Draft<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const path = resourcePath(type, { namespace: draft.metadata.namespace });
    return this.#object(type, { method: 'POST', path, ...json(draft), signal });
  }

  async replace<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    { subresource, signal }: PatchOptions = {},
  ): Promise<T> {
    const path = resourcePath(type, { ...refOf(object), subresource });
    return this.#object(type, { method: 'PUT', path, ...json(object), signal });
  }

  // The interface's fourth parameter; see client.ts.
  // eslint-disable-next-line @typescript-eslint/max-params
  async patch<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    patch: Patch,
    { subresource, signal }: PatchOptions = {},
  ): Promise<T> {
    const path = `${resourcePath(type, { ...ref, subresource })}${patchQuery(patch)}`;
    const contentType = PATCH_TYPES[patch.kind];
    return this.#object(type, { method: 'PATCH', path, ...json(patch.body), contentType, signal });
  }

  async delete<T extends KubeObject>(
    type: ResourceType<T>,
    ref: ObjectRef,
    { uid, resourceVersion, signal, ...options }: DeleteOptions = {},
  ): Promise<void> {
    const preconditions = { uid, resourceVersion };
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions, ...options };
    await this.#call({ method: 'DELETE', path: resourcePath(type, ref), ...json(body), signal });
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  async #object<T extends KubeObject>(type: ResourceType<T>, call: Call): Promise<T> {
    return typed(type, (await this.#call(call)) as T);
  }

  async #call({ signal, ...call }: Call): Promise<unknown> {
    const deadline = { clock: this.#clock, timeoutMs: this.#timeoutMs, signal };
    return withDeadline(deadline, async (attempt) => {
      const request: WireRequest = { ...call, signal: attempt, pool: 'calls' };
      try {
        const response = await this.#transport.send(request);
        if (response.statusCode >= 400) throw await this.#refusal(request, response);
        return await response.body.json();
      } catch (error) {
        throw failure(error, attempt, `${call.method} ${call.path}`);
      }
    });
  }

  async #refusal(request: WireRequest, response: Dispatcher.ResponseData): Promise<KubeError> {
    const retryAfter = response.headers['retry-after'];
    return errorFromAnswer({
      status: response.statusCode,
      body: await response.body.text(),
      retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
      request: `${request.method} ${request.path}`,
      now: this.#clock.now(),
    });
  }
}

/** undici rejects with the reason of an abort most of the time, and with an error of its own the rest of it. */
function failure(error: unknown, signal: AbortSignal, request: string): unknown {
  if (signal.aborted) return signal.reason;
  return error instanceof KubeError ? error : errorFromConnection(error, request);
}

/** Items of a list of a built-in kind come without these two. */
function typed<T extends KubeObject>(type: ResourceType<T>, object: T): T {
  // At run time, whatever the type says.
  if ((object.kind as string | undefined) !== undefined) return object;
  return { ...object, apiVersion: apiVersionOf(type), kind: type.kind };
}

const PATCH_TYPES: Readonly<Record<Patch['kind'], string>> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  // JSON is YAML, and the server knows the dialect by this name only.
  apply: 'application/apply-patch+yaml',
};

function patchQuery(patch: Patch): string {
  if (patch.kind !== 'apply') return '';
  return queryOf({ fieldManager: patch.fieldManager, force: patch.force });
}

function json(body: object): Pick<WireRequest, 'body' | 'contentType'> {
  return { body: JSON.stringify(body), contentType: 'application/json' };
}

function queryOf(
  parameters: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return query.size === 0 ? '' : `?${query.toString()}`;
}
