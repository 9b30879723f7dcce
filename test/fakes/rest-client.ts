import { z } from 'zod';
import { ApiContract } from './api-contract.ts';

/** An answer of the REST API whose body was found to be what the API's own document says. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined where there is none. */
  readonly body: Record<string, unknown>;
  readonly text: string;
}

export interface Call {
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Making and compiling it takes longer than a test, and every server of a test run has the same. */
let contract: Promise<ApiContract> | undefined;

/** A client that checks every answer against the OpenAPI document which the server itself serves. */
export class RestClient {
  readonly #base: string;
  readonly #contract: ApiContract;

  private constructor(base: string, contract: ApiContract) {
    this.#base = base;
    this.#contract = contract;
  }

  static async connect(port: number): Promise<RestClient> {
    const base = `http://127.0.0.1:${String(port)}`;
    contract ??= ApiContract.of(base);
    return new RestClient(base, await contract);
  }

  get(path: string, call: Call = {}): Promise<Answer> {
    return this.send('GET', path, call);
  }

  post(path: string, body?: unknown, call: Call = {}): Promise<Answer> {
    return this.send('POST', path, { ...call, body });
  }

  put(path: string, body?: unknown, call: Call = {}): Promise<Answer> {
    return this.send('PUT', path, { ...call, body });
  }

  delete(path: string, call: Call = {}): Promise<Answer> {
    return this.send('DELETE', path, call);
  }

  /** `path` is below /api/v1 unless it begins with `//`, which stands for the root. */
  async send(method: string, path: string, call: Call = {}): Promise<Answer> {
    const url = path.startsWith('//') ? path.slice(1) : `/api/v1${path}`;
    const response = await fetch(this.#base + url, { method, ...contentOf(call) });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
    const parsed: unknown = isJson ? JSON.parse(text) : undefined;
    const { status, headers } = response;
    this.#contract.check({ method, url, status, headers, json: parsed });
    return { status, headers, body: recordOf(parsed), text };
  }
}

function contentOf({ body, raw, headers = {}, signal }: Call): RequestInit {
  const abort = signal === undefined ? {} : { signal };
  const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  if (content === undefined) return { headers, ...abort };
  return { headers: { 'Content-Type': 'application/json', ...headers }, ...abort, body: content };
}

function recordOf(value: unknown): Record<string, unknown> {
  if (Array.isArray(value)) return { list: value };
  const parsed = z.record(z.string(), z.unknown()).safeParse(value);
  return parsed.success ? parsed.data : {};
}
