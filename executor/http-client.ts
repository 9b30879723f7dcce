import type { Dispatcher } from 'undici';
import { z } from 'zod';
import type {
  EventsOptions,
  ExecutorClient,
  ExecutorFiles,
  ExecutorTarget,
  IndexHandler,
  WaitOptions,
} from './client.ts';
import {
  type Activity,
  type DependenciesState,
  EXECUTOR_LIMITS,
  type ExecutionState,
  type Health,
  type OutputEvent,
  type InstallRequest,
  PACKAGE_INDEX_PROTOCOL,
  REQUEST_ID_HEADER,
  type StartRequest,
  type Usage,
  activity,
  dependenciesState,
  executionState,
  health,
  usage,
} from './contract.ts';
import { boundedText } from './bounded-text.ts';
import { Connections } from './connections.ts';
import { badAnswer, errorFromAnswer, errorFromFailure } from './client-errors.ts';
import { readEvents } from './event-lines.ts';
import { serveIndex } from './index-server.ts';
import type { ExecutorRequest } from './executor-request.ts';
import { HttpExecutorFiles } from './http-files.ts';
import { jsonShape } from './json-shape.ts';
import type { TokenSigner } from './token.ts';

const MAX_ANSWER_DEPTH = EXECUTOR_LIMITS.returnValueDepth + 8;
const ANSWER_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 3_000;
/** Longer than the pauses of somebody at work, and shorter than those between two questions for an idle sandbox's health. */
const KEEP_ALIVE_MS = 10_000;

/** `ExecutorClient` over HTTP: the connections to a target are as many as there are calls at once. */
export class HttpExecutorClient implements ExecutorClient {
  readonly #signer: TokenSigner;
  readonly #connections = new Connections({
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    answerTimeoutMs: ANSWER_TIMEOUT_MS,
    maxAnswerBytes: EXECUTOR_LIMITS.listingBytes,
    keepAliveMs: KEEP_ALIVE_MS,
  });

  constructor(signer: TokenSigner) {
    this.#signer = signer;
  }

  // eslint-disable-next-line @typescript-eslint/max-params -- ExecutorClient has it so
  async run(
    target: ExecutorTarget,
    id: string,
    request: StartRequest,
    options: WaitOptions,
  ): Promise<ExecutionState> {
    return this.#state(target, id, {
      method: 'PUT',
      path: waiting(id, options),
      body: request,
      ...options,
    });
  }

  async state(target: ExecutorTarget, id: string, options: WaitOptions): Promise<ExecutionState> {
    return this.#state(target, id, { method: 'GET', path: waiting(id, options), ...options });
  }

  async cancel(target: ExecutorTarget, id: string, signal?: AbortSignal): Promise<ExecutionState> {
    return this.#state(target, id, { method: 'DELETE', path: executionPath(id), signal });
  }

  async *events(
    target: ExecutorTarget,
    id: string,
    { from, waitMs, signal }: EventsOptions,
  ): AsyncGenerator<OutputEvent> {
    const path = `${executionPath(id)}/events?from=${String(from)}&wait=${String(waitMs)}`;
    const request = { method: 'GET', path, waitMs, signal, stream: true } as const;
    const { statusCode, body } = await this.#send(target, request);
    try {
      if (statusCode === 200) yield* readEvents(body, from);
      else throw errorFromAnswer(statusCode, await boundedText(body));
    } catch (cause) {
      throw errorFromFailure(cause, signal);
    } finally {
      body.destroy();
    }
  }

  files(target: ExecutorTarget): ExecutorFiles {
    return new HttpExecutorFiles({
      call: (schema, request) => this.#call(target, schema, request),
      send: (request) => this.#send(target, { ...request, stream: true }),
    });
  }

  async health(target: ExecutorTarget, signal?: AbortSignal): Promise<Health> {
    return this.#call(target, health, { method: 'GET', path: '/v1/health', signal });
  }

  async activity(target: ExecutorTarget, signal?: AbortSignal): Promise<Activity> {
    return this.#call(target, activity, { method: 'GET', path: '/v1/activity', signal });
  }

  async usage(target: ExecutorTarget, signal?: AbortSignal): Promise<Usage> {
    return this.#call(target, usage, { method: 'GET', path: '/v1/usage', signal });
  }

  // eslint-disable-next-line @typescript-eslint/max-params -- ExecutorClient has it so
  async install(
    target: ExecutorTarget,
    id: string,
    request: InstallRequest,
    options: WaitOptions,
  ): Promise<DependenciesState> {
    const path = `/v1/dependencies/${encodeURIComponent(id)}?wait=${String(options.waitMs)}`;
    const { outcomeBytes: answerBytes } = EXECUTOR_LIMITS;
    const call = { method: 'PUT', path, body: request, answerBytes, ...options } as const;
    const state = await this.#call(target, dependenciesState, call);
    if (state.id !== id) throw badAnswer(`it is about packages ${state.id}`);
    return state;
  }

  async lendIndex(target: ExecutorTarget, index: IndexHandler, signal: AbortSignal): Promise<void> {
    try {
      const token = await this.#signer.tokenFor(target.podUID);
      const { socket } = await this.#connections.poolFor(target, 'stream').upgrade({
        path: '/v1/dependencies/index',
        protocol: PACKAGE_INDEX_PROTOCOL,
        headers: { authorization: `Bearer ${token}` },
        signal,
      });
      await serveIndex(socket, index, signal);
    } catch (cause) {
      if (!signal.aborted) throw errorFromFailure(cause, signal);
    }
  }

  forget(podUID: string): void {
    this.#signer.forget(podUID);
    this.#connections.forget(podUID);
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  async #state(
    target: ExecutorTarget,
    id: string,
    request: ExecutorRequest,
  ): Promise<ExecutionState> {
    const { outcomeBytes: answerBytes } = EXECUTOR_LIMITS;
    const state = await this.#call(target, executionState, { ...request, answerBytes });
    if (state.id !== id) throw badAnswer(`it is about execution ${state.id}`);
    if (state.phase !== 'Running') checkSizes(state);
    return state;
  }

  async #call<T>(
    target: ExecutorTarget,
    schema: z.ZodType<T>,
    request: ExecutorRequest,
  ): Promise<T> {
    const { status, text } = await this.#exchange(target, request);
    if (status !== 200) throw errorFromAnswer(status, text);
    const parsed = schema.safeParse(parseJson(text));
    if (!parsed.success)
      throw badAnswer(z.prettifyError(parsed.error).slice(0, 1_024), parsed.error);
    return parsed.data;
  }

  async #exchange(
    target: ExecutorTarget,
    request: ExecutorRequest,
  ): Promise<{ status: number; text: string }> {
    const { statusCode, body } = await this.#send(target, request);
    try {
      const { answerBytes = EXECUTOR_LIMITS.answerBytes } = request;
      return { status: statusCode, text: await boundedText(body, answerBytes) };
    } catch (cause) {
      throw errorFromFailure(cause, request.signal);
    }
  }

  async #send(target: ExecutorTarget, request: ExecutorRequest): Promise<Dispatcher.ResponseData> {
    const token = await this.#signer.tokenFor(target.podUID);
    const use = request.stream === true ? 'stream' : 'call';
    try {
      const answer = await this.#connections.poolFor(target, use).request({
        method: request.method,
        path: request.path,
        headers: {
          authorization: `Bearer ${token}`,
          ...(target.requestId !== undefined && { [REQUEST_ID_HEADER]: target.requestId }),
          ...(request.body !== undefined && { 'content-type': 'application/json' }),
          ...request.headers,
        },
        body: request.body === undefined ? (request.content ?? null) : JSON.stringify(request.body),
        headersTimeout: (request.waitMs ?? 0) + ANSWER_TIMEOUT_MS,
        ...(request.signal && { signal: request.signal }),
      });
      // One that nobody reads on fails when it is let go, and a failure that nobody listens to ends the process. Whoever reads is still told.
      return { ...answer, body: answer.body.on('error', () => undefined) };
    } catch (cause) {
      throw errorFromFailure(cause, request.signal);
    }
  }
}

function executionPath(id: string): string {
  return `/v1/executions/${encodeURIComponent(id)}`;
}

function waiting(id: string, { waitMs }: WaitOptions): string {
  return `${executionPath(id)}?wait=${String(Math.max(0, Math.trunc(waitMs)))}`;
}

function parseJson(text: string): unknown {
  const { depth, values } = jsonShape(text);
  if (depth > MAX_ANSWER_DEPTH) throw badAnswer('it is nested too deep');
  if (values > EXECUTOR_LIMITS.answerValues) throw badAnswer('it holds more values than agreed');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw badAnswer('it is not JSON', cause);
  }
}

/** What an honest executor keeps to, and etcd relies on. */
function checkSizes(state: Exclude<ExecutionState, { phase: 'Running' }>): void {
  for (const stream of ['stdout', 'stderr'] as const) {
    if (jsonSize(state[stream].text) > EXECUTOR_LIMITS.outputBytes)
      throw badAnswer(`its ${stream} is larger than agreed`);
  }
  if (jsonSize(state.returnValue ?? null) > EXECUTOR_LIMITS.returnValueBytes)
    throw badAnswer('its return value is larger than agreed');
}

/** Without the quotes of a string. */
function jsonSize(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value)) - (typeof value === 'string' ? 2 : 0);
}
