import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import pLimit, { type LimitFunction } from 'p-limit';
import { z } from 'zod';
import type { IndexAnswer, IndexHandler } from '../../executor/client.ts';
import { jsonShape } from '../../executor/json-shape.ts';
import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import { type IndexPolicy, upstreamOf, urlProblem, wayProblem } from './allowed.ts';
import { Budget } from './budget.ts';
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
const MAX_PAGE_BYTES = 33_554_432;
/** A value takes memory many times its length in the text. */
const MAX_PAGE_VALUES = 1_000_000;
/** Of all pages that are read at a time. */
const PAGES_ON_THEIR_WAY_BYTES = 2 * MAX_PAGE_BYTES;
/** A longer one is not held in memory, neither for the next who asks nor while somebody reads it. */
const LONG_PAGE = 1_048_576;
const MAX_FILE_BYTES = 4_294_967_296;
/** Of one file, from the first byte to the last. */
const MAX_DOWNLOAD_MS = 1_800_000;
/** For one sandbox at a time, also for answers that it waits for no more. */
const DOWNLOADS_AT_ONCE = 8;
const PAGES_AT_HAND = 12;

const keptPage = z.object({ fetchedAt: z.number(), etag: z.string().optional(), page: indexPage });
type KeptPage = z.infer<typeof keptPage>;

interface PageQuestion {
  readonly kind: 'page';
  readonly type: 'python' | 'npm';
  readonly name: string;
}

interface FileQuestion {
  readonly kind: 'file';
  readonly type: 'python' | 'npm';
  readonly name: string;
  readonly file: string;
}

/** What a path asks for. */
type Question = PageQuestion | FileQuestion;

/** An index as one sandbox has it. */
interface Index {
  readonly base: string;
  readonly downloads: LimitFunction;
}

/**
 * Package indexes as sandboxes may use them: read only, and of what an index has only its pages and the files that those link to. Files are asked for by
 * project and name, never by address, so there is nothing to sign and nothing to remember. Whatever was fetched serves every sandbox after that.
 */
export class PackageGateway implements PackageIndexes {
  readonly #options: GatewayOptions;
  readonly #atHand = new Map<string, KeptPage>();
  readonly #pageBudget = new Budget(PAGES_ON_THEIR_WAY_BYTES);
  readonly #fileBudget: Budget;
  /** Long pages are read from the disk one after the other. */
  readonly #reads = pLimit(1);

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#fileBudget = new Budget(options.cache.maxBytes);
  }

  get policy(): IndexPolicy {
    return this.#options.policy;
  }

  open(url: string): IndexHandler {
    const base = upstreamOf(url, this.#options.policy);
    const index = { base, downloads: pLimit(DOWNLOADS_AT_ONCE) };
    return async ({ method, path }, signal) => {
      const question = questionOf(path);
      if (question === undefined) return { status: 404 };
      try {
        const answer = await this.#answer(index, question, signal);
        return method === 'HEAD' ? withoutBody(answer) : answer;
      } catch (error) {
        return this.#failure(error, path);
      }
    };
  }

  async #answer(index: Index, question: Question, signal: AbortSignal): Promise<IndexAnswer> {
    if (question.kind === 'page')
      return this.#pageAnswer(await this.#page(index.base, question, signal));
    const link = await this.#link(index.base, question, signal);
    if (link === undefined) return { status: 404 };
    this.#checkLink(index.base, link);
    const { path, bytes } = await this.#file(link, index);
    const body = createReadStream(path);
    return { status: 200, contentType: 'application/octet-stream', contentLength: bytes, body };
  }

  async #pageAnswer({ contentType, body: text }: IndexPage): Promise<IndexAnswer> {
    if (text.length <= LONG_PAGE) {
      const body = Buffer.from(text);
      return { status: 200, contentType, contentLength: body.length, body };
    }
    const name = `body-${digestOf(text)}`;
    const file = await this.#options.cache.provide(name, (path) => writeFile(path, text));
    const body = createReadStream(file.path);
    return { status: 200, contentType, contentLength: file.bytes, body };
  }

  /** Nothing but the link: a file may take long, and its page is not to stay in memory for that. */
  async #link(
    base: string,
    question: FileQuestion,
    signal: AbortSignal,
  ): Promise<Link | undefined> {
    const { links } = await this.#page(base, question, signal);
    return Object.hasOwn(links, question.file) ? links[question.file] : undefined;
  }

  /** Before the cache is looked at, too. Trusted hosts are there for the indexes that lie on them, and not for what anybody's index links to. */
  #checkLink(base: string, { url }: Link): void {
    const { policy } = this.#options;
    const address = new URL(url);
    const problem = urlProblem(address, policy) ?? wayProblem(new URL(base), address, policy);
    if (problem !== undefined) throw new UpstreamError('NotAllowed', problem);
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
    const text = await this.#textOf(answer);
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
    return this.#reads(async () => {
      const text = await this.#options.cache.read(key);
      return text === undefined ? undefined : keptPageIn(text);
    });
  }

  #hold(key: string, page: KeptPage): KeptPage {
    this.#atHand.delete(key);
    if (page.page.body.length > LONG_PAGE) return page;
    this.#atHand.set(key, page);
    const [oldest] = this.#atHand.keys();
    if (this.#atHand.size > PAGES_AT_HAND && oldest !== undefined) this.#atHand.delete(oldest);
    return page;
  }

  /** Goes on when who asked first is gone: another may wait for it by now. */
  async #file({ url, digest }: Link, { downloads }: Index): Promise<CachedFile> {
    const key = digest === undefined ? `url-${digestOf(url)}` : `${digest.algorithm}-${digest.hex}`;
    const make = (path: string): Promise<void> =>
      this.#fileBudget.within(MAX_FILE_BYTES, (counted) =>
        this.#download({ url, digest }, path, counted),
      );
    // A digest is an index's word for what an address holds, and the turn is one sandbox's: nobody else waits for either.
    return this.#options.cache.provide(key, make, { source: url, turn: downloads });
  }

  async #download({ url, digest }: Link, path: string, counted: Transform): Promise<void> {
    const signal = AbortSignal.timeout(MAX_DOWNLOAD_MS);
    const { body } = await this.#options.upstream.get(new URL(url), {}, signal);
    const hash = createHash(digest?.algorithm ?? 'sha256');
    const hashing = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    await pipeline(body, counted, hashing, createWriteStream(path), { signal });
    if (digest !== undefined && hash.digest('hex') !== digest.hex) {
      throw new UpstreamError('BadAnswer', 'a file is not what its index says');
    }
  }

  async #textOf({ body, contentEncoding }: UpstreamAnswer): Promise<string> {
    // What is unpacked is what counts: a small answer can unpack to a large one.
    const text = await this.#pageBudget.within(MAX_PAGE_BYTES, async (counted) => {
      const chunks: Buffer[] = [];
      const sink = new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          chunks.push(chunk);
          done();
        },
      });
      if (contentEncoding === 'gzip') await pipeline(body, createGunzip(), counted, sink);
      else await pipeline(body, counted, sink);
      return Buffer.concat(chunks).toString('utf8');
    });
    if (jsonShape(text).values <= MAX_PAGE_VALUES) return text;
    throw new UpstreamError('TooLarge', 'a page holds more than any that an installer can use');
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

function keptPageIn(text: string): KeptPage | undefined {
  try {
    return keptPage.safeParse(JSON.parse(text)).data;
  } catch {
    // A disk that was full may have cut it.
    return undefined;
  }
}

function withoutBody({ body: _, ...answer }: IndexAnswer): IndexAnswer {
  return answer;
}

function isTransient(error: unknown): boolean {
  return error instanceof UpstreamError && error.retryable;
}
