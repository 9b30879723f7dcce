import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Readable } from 'node:stream';
import { Agent, type Dispatcher, request } from 'undici';
import { type IndexPolicy, isPublicAddress, isTrusted, urlProblem, wayProblem } from './allowed.ts';

/** An index that did not give what it was asked for. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError';
  readonly code: 'NotAllowed' | 'NotFound' | 'Unavailable' | 'TooLarge' | 'BadAnswer';
  readonly retryable: boolean;

  constructor(code: UpstreamError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = code === 'Unavailable';
  }
}

export interface UpstreamAnswer {
  readonly status: 200 | 304;
  readonly contentType: string;
  readonly contentEncoding: string;
  readonly etag: string | undefined;
  readonly body: Readable;
  /** Where it came from in the end. */
  readonly url: URL;
}

const MAX_REDIRECTS = 5;
const ANSWER_TIMEOUT_MS = 20_000;
const CONNECT_TIMEOUT_MS = 10_000;
const USER_AGENT = 'sandbox-control-plane package index';
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Asks package indexes. Every address is checked before it is asked, the one behind a redirect too, and what a name resolves to when connecting. */
export class Upstream {
  readonly #policy: IndexPolicy;
  readonly #public: Agent;
  readonly #trusted: Agent;

  constructor(policy: IndexPolicy, resolve: LookupFunction = systemLookup) {
    this.#policy = policy;
    const timeouts = { headersTimeout: ANSWER_TIMEOUT_MS, bodyTimeout: ANSWER_TIMEOUT_MS };
    const timeout = CONNECT_TIMEOUT_MS;
    this.#public = new Agent({ ...timeouts, connect: { timeout, lookup: publicOnly(resolve) } });
    this.#trusted = new Agent({ ...timeouts, connect: { timeout, lookup: resolve } });
  }

  async get(
    address: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<UpstreamAnswer> {
    let url = address;
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects += 1) {
      const answer = await this.#ask(url, headers, signal);
      const { location } = answer.headers;
      if (!REDIRECTS.has(answer.statusCode) || typeof location !== 'string') {
        return await accepted(answer, url);
      }
      await answer.body.dump();
      const next = URL.parse(location, url.href);
      if (next === null) throw new UpstreamError('BadAnswer', `${url.host} redirects to nowhere`);
      const problem = wayProblem(address, next, this.#policy);
      if (problem !== undefined) throw new UpstreamError('NotAllowed', problem);
      url = next;
    }
    throw new UpstreamError('BadAnswer', `${address.host} redirects too often`);
  }

  async close(): Promise<void> {
    await Promise.all([this.#public.destroy(), this.#trusted.destroy()]);
  }

  async #ask(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const problem = urlProblem(url, this.#policy);
    if (problem !== undefined) throw new UpstreamError('NotAllowed', problem);
    const dispatcher = isTrusted(url, this.#policy) ? this.#trusted : this.#public;
    try {
      return await request(url, {
        dispatcher,
        headers: { 'user-agent': USER_AGENT, ...headers },
        signal,
      });
    } catch (cause) {
      if (cause instanceof UpstreamError) throw cause;
      throw new UpstreamError('Unavailable', `${url.host} cannot be reached`, { cause });
    }
  }
}

async function accepted(answer: Dispatcher.ResponseData, url: URL): Promise<UpstreamAnswer> {
  const { statusCode: status, headers, body } = answer;
  if (status === 200 || status === 304) {
    const { etag } = headers;
    return {
      status,
      contentType: String(headers['content-type'] ?? ''),
      contentEncoding: String(headers['content-encoding'] ?? 'identity'),
      etag: typeof etag === 'string' ? etag : undefined,
      body,
      url,
    };
  }
  await body.dump();
  if (status === 404 || status === 410)
    throw new UpstreamError('NotFound', `${url.host} has it not`);
  throw new UpstreamError('Unavailable', `${url.host} answered ${String(status)}`);
}

const systemLookup: LookupFunction = (host, options, callback) => {
  lookup(host, { ...options, all: true }, (error, addresses) => {
    callback(error, addresses);
  });
};

/** One address inside is one too many: a name that resolves to both is a trick. */
function publicOnly(resolve: LookupFunction): LookupFunction {
  return (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, found) => {
      const addresses = Array.isArray(found) ? found : [{ address: found, family: 4 }];
      const isInside = addresses.some(({ address }) => !isPublicAddress(address));
      const refusal = isInside
        ? new UpstreamError('NotAllowed', `${host} is not at a public address`)
        : null;
      if (options.all === true) callback(error ?? refusal, addresses);
      else callback(error ?? refusal, addresses[0]?.address ?? '', addresses[0]?.family ?? 4);
    });
  };
}
