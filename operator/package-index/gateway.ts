import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { z } from 'zod';
import type { IndexAnswer, IndexHandler } from '../../executor/client.ts';
import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import { type IndexPolicy, upstreamOf } from './allowed.ts';
import { NPM_PAGE_TYPES, npmPage } from './npm-page.ts';
import type { CachedFile, PackageCache } from './package-cache.ts';
import { type IndexPage, type Link, indexPage, isFileName } from './page.ts';
import { PYTHON_PAGE_TYPES, pythonPage } from './python-page.ts';
import { type Upstream, type UpstreamAnswer, UpstreamError } from './upstream.ts';

/** Where the packages of sandboxes come from. */
export interface PackageIndexes {
  readonly policy: IndexPolicy;
  /** The index at `url`, which must be one that is allowed (`indexProblem`). */
  open(url: string): IndexHandler;
}

export interface GatewayOptions {
  readonly policy: IndexPolicy;
  readonly upstream: Pick<Upstream, 'get'>;
  readonly cache: PackageCache;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A page is taken as it is for so long; after that the index is asked whether it changed. */
const FRESH_MS = 600_000;
const MAX_PAGE_BYTES = 67_108_864;
const MAX_FILE_BYTES = 4_294_967_296;
/** Of one file, from the first byte to the last. */
const MAX_DOWNLOAD_MS = 1_800_000;
const PAGES_AT_HAND = 12;

const keptPage = z.object({ fetchedAt: z.number(), etag: z.string().optional(), page: indexPage });
type KeptPage = z.infer<typeof keptPage>;

/** What a path asks for. */
type Question =
  | { readonly kind: 'page'; readonly type: 'python' | 'npm'; readonly name: string }
  | {
      readonly kind: 'file';
      readonly type: 'python' | 'npm';
      readonly name: string;
      readonly file: string;
    };

/**
 * Package indexes as sandboxes may use them: read only, and of what an index has only its pages and the files that those link to. Files are asked for by
 * project and name, never by address, so there is nothing to sign and nothing to remember. Whatever was fetched serves every sandbox after that.
 */
export class PackageGateway implements PackageIndexes {
  readonly #options: GatewayOptions;
  readonly #atHand = new Map<string, KeptPage>();

  constructor(options: GatewayOptions) {
    this.#options = options;
  }

  get policy(): IndexPolicy {
    return this.#options.policy;
  }

  open(url: string): IndexHandler {
    const base = upstreamOf(url, this.#options.policy);
    return async ({ method, path }, signal) => {
      const question = questionOf(path);
      if (question === undefined) return { status: 404 };
      try {
        const answer = await this.#answer(base, question, signal);
        return method === 'HEAD' ? withoutBody(answer) : answer;
      } catch (error) {
        return this.#failure(error, path);
      }
    };
  }

  async #answer(base: string, question: Question, signal: AbortSignal): Promise<IndexAnswer> {
    const page = await this.#page(base, question, signal);
    if (question.kind === 'page') {
      const body = Buffer.from(page.body);
      return { status: 200, contentType: page.contentType, contentLength: body.length, body };
    }
    const link = Object.hasOwn(page.links, question.file) ? page.links[question.file] : undefined;
    if (link === undefined) return { status: 404 };
    const { path, bytes } = await this.#file(link);
    const body = createReadStream(path);
    return { status: 200, contentType: 'application/octet-stream', contentLength: bytes, body };
  }

  async #page(base: string, { type, name }: Question, signal: AbortSignal): Promise<IndexPage> {
    const url = pageUrl(base, type, name);
    const key = `page-${digestOf(url.href)}`;
    const kept = this.#atHand.get(key) ?? (await this.#keptPage(key));
    const now = this.#options.clock.now();
    if (kept !== undefined && now - kept.fetchedAt < FRESH_MS) return this.#hold(key, kept).page;
    try {
      const next = await this.#fetchPage({ url, type, name, kept }, signal);
      await this.#options.cache.write(key, JSON.stringify(next));
      return this.#hold(key, next).page;
    } catch (error) {
      // An index that is away for a while is no reason to do without what is known.
      if (kept === undefined || !isTransient(error)) throw error;
      return kept.page;
    }
  }

  async #fetchPage(
    {
      url,
      type,
      name,
      kept,
    }: { url: URL; type: Question['type']; name: string; kept: KeptPage | undefined },
    signal: AbortSignal,
  ): Promise<KeptPage> {
    const headers = {
      accept: type === 'python' ? PYTHON_PAGE_TYPES : NPM_PAGE_TYPES,
      'accept-encoding': 'gzip',
      ...(kept?.etag !== undefined && { 'if-none-match': kept.etag }),
    };
    const answer = await this.#options.upstream.get(url, headers, signal);
    const fetchedAt = this.#options.clock.now();
    const text = await textOf(answer);
    if (answer.status === 304 && kept !== undefined) return { ...kept, fetchedAt };
    const source = { contentType: answer.contentType, url: answer.url, name };
    try {
      const page = type === 'python' ? pythonPage(text, source) : npmPage(text, source);
      return { fetchedAt, etag: answer.etag, page };
    } catch (cause) {
      throw new UpstreamError('BadAnswer', `${url.host} answered with no page`, { cause });
    }
  }

  async #keptPage(key: string): Promise<KeptPage | undefined> {
    const text = await this.#options.cache.read(key);
    if (text === undefined) return undefined;
    const parsed = keptPage.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  }

  #hold(key: string, page: KeptPage): KeptPage {
    this.#atHand.delete(key);
    this.#atHand.set(key, page);
    const [oldest] = this.#atHand.keys();
    if (this.#atHand.size > PAGES_AT_HAND && oldest !== undefined) this.#atHand.delete(oldest);
    return page;
  }

  /** Goes on when who asked first is gone: another may wait for it by now. */
  async #file({ url, digest }: Link): Promise<CachedFile> {
    const key = digest === undefined ? `url-${digestOf(url)}` : `${digest.algorithm}-${digest.hex}`;
    return this.#options.cache.provide(key, async (path) => {
      const signal = AbortSignal.timeout(MAX_DOWNLOAD_MS);
      const { body } = await this.#options.upstream.get(new URL(url), {}, signal);
      const hash = createHash(digest?.algorithm ?? 'sha256');
      const hashing = new Transform({
        transform: (chunk: Buffer, _encoding, done) => {
          hash.update(chunk);
          done(null, chunk);
        },
      });
      await pipeline(body, atMost(MAX_FILE_BYTES), hashing, createWriteStream(path), { signal });
      if (digest !== undefined && hash.digest('hex') !== digest.hex) {
        throw new UpstreamError('BadAnswer', 'a file is not what its index says');
      }
    });
  }

  #failure(error: unknown, path: string): IndexAnswer {
    const isKnown = error instanceof UpstreamError;
    this.#options.logger.warn('a package could not be had', { path, error });
    if (isKnown && error.code === 'NotFound') return { status: 404 };
    if (isKnown && error.code === 'NotAllowed') return { status: 403 };
    return { status: 502 };
  }
}

const NAME = '[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?';
const PYTHON_PAGE = new RegExp(`^/simple/(${NAME})/$`);
const PYTHON_FILE = new RegExp(`^/files/(${NAME})/([^/]+)$`);
const NPM_NAME = '(?:@[A-Za-z0-9][A-Za-z0-9._-]*(?:/|%2[fF]))?[A-Za-z0-9][A-Za-z0-9._-]*';
const NPM_PAGE = new RegExp(`^/npm/(${NPM_NAME})$`);
const NPM_FILE = new RegExp(`^/npm/(${NPM_NAME})/-/([^/]+)$`);

/** Undefined: nothing that an installer has to ask for. */
function questionOf(path: string): Question | undefined {
  const asked = [
    ['python', PYTHON_PAGE],
    ['python', PYTHON_FILE],
    ['npm', NPM_PAGE],
    ['npm', NPM_FILE],
  ] as const;
  for (const [type, pattern] of asked) {
    const [whole, given = '', file] = pattern.exec(path) ?? [];
    if (whole === undefined) continue;
    const name = type === 'python' ? normalized(given) : given.replace(/%2f/i, '/');
    if (file === undefined) return { kind: 'page', type, name };
    return isFileName(file) ? { kind: 'file', type, name, file } : undefined;
  }
  return undefined;
}

/** https://packaging.python.org/en/latest/specifications/name-normalization/ */
function normalized(name: string): string {
  return name.replaceAll(/[-_.]+/g, '-').toLowerCase();
}

function pageUrl(base: string, type: Question['type'], name: string): URL {
  const folder = base.endsWith('/') ? base : `${base}/`;
  return new URL(type === 'python' ? `${name}/` : name.replace('/', '%2f'), folder);
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function textOf({ body, contentEncoding }: UpstreamAnswer): Promise<string> {
  const chunks: Buffer[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      chunks.push(chunk);
      done();
    },
  });
  // What is unpacked is what counts: a small answer can unpack to a large one.
  const limit = atMost(MAX_PAGE_BYTES);
  if (contentEncoding === 'gzip') await pipeline(body, createGunzip(), limit, sink);
  else await pipeline(body, limit, sink);
  return Buffer.concat(chunks).toString('utf8');
}

function atMost(limit: number): Transform {
  let bytes = 0;
  return new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length;
      if (bytes > limit) done(new UpstreamError('TooLarge', 'what an index sent is too large'));
      else done(null, chunk);
    },
  });
}

function withoutBody({ body: _, ...answer }: IndexAnswer): IndexAnswer {
  return answer;
}

function isTransient(error: unknown): boolean {
  return error instanceof UpstreamError && error.retryable;
}
