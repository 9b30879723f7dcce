import { Pool } from 'undici';
import { z } from 'zod';
import {
  ExecutorError,
  type ExecutorClient,
  type ExecutorTarget,
  type WaitOptions,
} from './client.ts';
import {
  type Activity,
  EXECUTOR_LIMITS,
  type ExecutionState,
  type Health,
  type StartRequest,
  activity,
  executionState,
  executorProblem,
  health,
} from './contract.ts';
import { errorFromFailure, errorFromProblem } from './client-errors.ts';
import { jsonDepth } from './json-depth.ts';
import type { TokenSigner } from './token.ts';

/** The largest outcome, and as much again for what JSON can add. */
const MAX_ANSWER_BYTES = 2_097_152;
const MAX_ANSWER_DEPTH = EXECUTOR_LIMITS.returnValueDepth + 8;
const ANSWER_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 3_000;
const KEEP_ALIVE_MS = 60_000;

interface Request {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly waitMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** `ExecutorClient` over HTTP: a pool of connections per target, as many as there are calls at once. */
export class HttpExecutorClient implements ExecutorClient {
  readonly #signer: TokenSigner;
  readonly #pools = new Map<string, { readonly address: string; readonly pool: Pool }>();

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

  async health(target: ExecutorTarget, signal?: AbortSignal): Promise<Health> {
    return this.#call(target, health, { method: 'GET', path: '/v1/health', signal });
  }

  async activity(target: ExecutorTarget, signal?: AbortSignal): Promise<Activity> {
    return this.#call(target, activity, { method: 'GET', path: '/v1/activity', signal });
  }

  forget(podUID: string): void {
    this.#signer.forget(podUID);
    const known = this.#pools.get(podUID);
    this.#pools.delete(podUID);
    void known?.pool.destroy();
  }

  async close(): Promise<void> {
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map(({ pool }) => pool.destroy()));
  }

  async #state(target: ExecutorTarget, id: string, request: Request): Promise<ExecutionState> {
    const state = await this.#call(target, executionState, request);
    if (state.id !== id) throw badAnswer(`it is about execution ${state.id}`);
    if (state.phase !== 'Running') checkSizes(state);
    return state;
  }

  async #call<T>(target: ExecutorTarget, schema: z.ZodType<T>, request: Request): Promise<T> {
    const { status, text } = await this.#exchange(target, request);
    const json = parseJson(text);
    if (status !== 200) {
      const problem = executorProblem.safeParse(json);
      throw errorFromProblem(status, problem.success ? problem.data.message : 'no reason given');
    }
    const parsed = schema.safeParse(json);
    if (!parsed.success)
      throw badAnswer(z.prettifyError(parsed.error).slice(0, 1_024), parsed.error);
    return parsed.data;
  }

  async #exchange(
    target: ExecutorTarget,
    request: Request,
  ): Promise<{ status: number; text: string }> {
    const token = await this.#signer.tokenFor(target.podUID);
    try {
      const { statusCode, body } = await this.#pool(target).request({
        method: request.method,
        path: request.path,
        headers: {
          authorization: `Bearer ${token}`,
          ...(request.body !== undefined && { 'content-type': 'application/json' }),
        },
        body: request.body === undefined ? null : JSON.stringify(request.body),
        headersTimeout: (request.waitMs ?? 0) + ANSWER_TIMEOUT_MS,
        ...(request.signal && { signal: request.signal }),
      });
      return { status: statusCode, text: await body.text() };
    } catch (cause) {
      throw errorFromFailure(cause, request.signal);
    }
  }

  #pool(target: ExecutorTarget): Pool {
    const address = JSON.stringify(target.address);
    const known = this.#pools.get(target.podUID);
    if (known?.address === address) return known.pool;
    void known?.pool.destroy();
    const pool = openPool(target);
    this.#pools.set(target.podUID, { address, pool });
    return pool;
  }
}

function openPool({ address }: ExecutorTarget): Pool {
  const options = {
    keepAliveTimeout: KEEP_ALIVE_MS,
    bodyTimeout: ANSWER_TIMEOUT_MS,
    maxResponseSize: MAX_ANSWER_BYTES,
    allowH2: false,
  };
  if (address.kind === 'unix') {
    return new Pool('http://executor', {
      ...options,
      connect: { socketPath: address.path, timeout: CONNECT_TIMEOUT_MS },
    });
  }
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return new Pool(`http://${host}:${String(address.port)}`, {
    ...options,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  });
}

function executionPath(id: string): string {
  return `/v1/executions/${encodeURIComponent(id)}`;
}

function waiting(id: string, { waitMs }: WaitOptions): string {
  return `${executionPath(id)}?wait=${String(Math.max(0, Math.trunc(waitMs)))}`;
}

function parseJson(text: string): unknown {
  if (jsonDepth(text) > MAX_ANSWER_DEPTH) throw badAnswer('it is nested too deep');
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

function badAnswer(why: string, cause?: unknown): ExecutorError {
  return new ExecutorError('BadAnswer', `the executor's answer cannot be used: ${why}`, {
    cause,
    retryable: false,
  });
}
