import { z } from 'zod';
import { ApiContract } from '../fakes/api-contract.ts';

/** The API that is tried: `BASE_URL`, and `API_KEY` where it asks for one. */
export const BASE_URL = (process.env['BASE_URL'] ?? '').replace(/\/+$/, '');
export const API_KEY = process.env['API_KEY'] ?? '';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** A list is below `items`. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export interface Call {
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string | Uint8Array;
  /** Sent as multipart/form-data. */
  readonly form?: FormData;
  readonly headers?: Readonly<Record<string, string>>;
  /** Without the key, as a stranger would. */
  readonly anonymous?: boolean;
  readonly timeoutMs?: number;
}

/** The HTTP client of the reference's tests gives up after this long. */
const CLIENT_TIMEOUT_MS = 30_000;

let contract: Promise<ApiContract> | undefined;

/** `path` is below /api/v1 unless it begins with `//`. Throws where the answer is none that the API's own document knows. */
export async function call(method: string, path: string, options: Call = {}): Promise<Answer> {
  const url = path.startsWith('//') ? path.slice(1) : `/api/v1${path}`;
  const response = await fetch(BASE_URL + url, {
    method,
    ...contentOf(options),
    signal: AbortSignal.timeout(options.timeoutMs ?? CLIENT_TIMEOUT_MS),
  });
  const { status, headers } = response;
  const text = await response.text();
  const isJson = headers.get('content-type')?.startsWith('application/json') === true;
  const json: unknown = isJson ? JSON.parse(text) : undefined;
  contract ??= ApiContract.of(BASE_URL);
  (await contract).check({ method, url, status, headers, json });
  return { status, headers, text, body: recordOf(json) };
}

function contentOf({ body, raw, form, headers = {}, anonymous = false }: Call): RequestInit {
  const key = anonymous || API_KEY === '' ? {} : { authorization: `Bearer ${API_KEY}` };
  if (form !== undefined) return { headers: { ...key, ...headers }, body: form };
  const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  if (content === undefined) return { headers: { ...key, ...headers } };
  return { headers: { 'content-type': 'application/json', ...key, ...headers }, body: content };
}

function recordOf(json: unknown): Readonly<Record<string, unknown>> {
  if (Array.isArray(json)) return { items: json };
  const parsed = z.record(z.string(), z.unknown()).safeParse(json);
  return parsed.success ? parsed.data : {};
}

export const get = (path: string, options?: Call): Promise<Answer> => call('GET', path, options);
export const del = (path: string): Promise<Answer> => call('DELETE', path);
export const post = (path: string, body?: unknown, options: Call = {}): Promise<Answer> =>
  call('POST', path, { ...options, body });
export const put = (path: string, body?: unknown): Promise<Answer> => call('PUT', path, { body });

/** Looks again until `look` finds something; what is waited for is in another process. */
export async function eventually<T>(
  look: () => Promise<T | undefined>,
  { what, withinMs }: { what: string; withinMs: number },
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (Date.now() > deadline) throw new Error(`${what}: not seen within ${String(withinMs)} ms`);
    await pause(150);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Different in each run, so that runs against one system don't meet. */
export function unique(prefix: string): string {
  return `${prefix}-${Math.random().toString(16).slice(2, 10)}`;
}
