import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import pLimit from 'p-limit';
import { z } from 'zod';
import { jsonShape } from '../../executor/json-shape.ts';
import type { Clock } from '../../kube/clock.ts';
import { Budget } from './budget.ts';
import { digestOf } from './digest-of.ts';
import { NPM_PAGE_TYPES, npmPage } from './npm-page.ts';
import type { PackageCache } from './package-cache.ts';
import { type IndexPage, indexPage } from './page.ts';
import { PYTHON_PAGE_TYPES, pythonPage } from './python-page.ts';
import { pageUrl, type Question } from './question.ts';
import { type Upstream, type UpstreamAnswer, UpstreamError } from './upstream.ts';

export interface PageReaderOptions {
  readonly upstream: Pick<Upstream, 'get'>;
  readonly cache: PackageCache;
  readonly clock: Clock;
}

/** A page is taken as it is for so long; after that the index is asked whether it changed. */
const FRESH_MS = 600_000;
const MAX_PAGE_BYTES = 33_554_432;
/** A value takes memory many times its length in the text. */
const MAX_PAGE_VALUES = 1_000_000;
/** Of all pages that are read at a time. */
const PAGES_ON_THEIR_WAY_BYTES = 2 * MAX_PAGE_BYTES;
/** A longer one is not held in memory, neither for the next who asks nor while somebody reads it. */
export const LONG_PAGE = 1_048_576;
const PAGES_AT_HAND = 12;

const keptPage = z.object({ fetchedAt: z.number(), etag: z.string().optional(), page: indexPage });
type KeptPage = z.infer<typeof keptPage>;

interface Fetch {
  readonly url: URL;
  readonly question: Question;
  /** What is known of it. */
  readonly kept: KeptPage | undefined;
}

/** The pages of indexes: as they are at hand, on the disk, or at the index. */
export class PageReader {
  readonly #options: PageReaderOptions;
  readonly #atHand = new Map<string, KeptPage>();
  readonly #budget = new Budget(PAGES_ON_THEIR_WAY_BYTES);
  /** Long pages are read from the disk one after the other. */
  readonly #reads = pLimit(1);

  constructor(options: PageReaderOptions) {
    this.#options = options;
  }

  /** The page, at the index `base`, of the project that the question is about. Throws UpstreamError. */
  async read(base: string, question: Question, signal: AbortSignal): Promise<IndexPage> {
    const url = pageUrl(base, question);
    const key = `page-${digestOf(url.href)}`;
    const kept = this.#atHand.get(key) ?? (await this.#keptPage(key));
    const now = this.#options.clock.now();
    if (kept !== undefined && now - kept.fetchedAt < FRESH_MS) return this.#hold(key, kept).page;
    try {
      const next = await this.#fetch({ url, question, kept }, signal);
      await this.#options.cache.write(key, JSON.stringify(next));
      return this.#hold(key, next).page;
    } catch (error) {
      // An index that is away for a while is no reason to do without what is known.
      if (kept === undefined || !isTransient(error)) throw error;
      return kept.page;
    }
  }

  async #fetch({ url, question, kept }: Fetch, signal: AbortSignal): Promise<KeptPage> {
    const { type, name } = question;
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

  async #textOf({ body, contentEncoding }: UpstreamAnswer): Promise<string> {
    // What is unpacked is what counts: a small answer can unpack to a large one.
    const text = await this.#budget.within(MAX_PAGE_BYTES, async (counted) => {
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
}

function keptPageIn(text: string): KeptPage | undefined {
  try {
    return keptPage.safeParse(JSON.parse(text)).data;
  } catch {
    // A disk that was full may have cut it.
    return undefined;
  }
}

function isTransient(error: unknown): boolean {
  return error instanceof UpstreamError && error.retryable;
}
