import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import pLimit, { type LimitFunction } from 'p-limit';
import type { IndexAnswer, IndexHandler } from '../../executor/client.ts';
import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import { type IndexPolicy, upstreamOf, urlProblem, wayProblem } from './allowed.ts';
import { digestOf } from './digest-of.ts';
import { Downloads } from './downloads.ts';
import type { PackageCache } from './package-cache.ts';
import type { IndexPage, Link } from './page.ts';
import { LONG_PAGE, PageReader } from './page-reader.ts';
import { type FileQuestion, type Question, questionOf } from './question.ts';
import { type Upstream, UpstreamError } from './upstream.ts';

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

/** For one sandbox at a time, also for answers that it waits for no more. */
const DOWNLOADS_AT_ONCE = 8;

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
  readonly #pages: PageReader;
  readonly #downloads: Downloads;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#pages = new PageReader(options);
    this.#downloads = new Downloads(options);
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
      return this.#pageAnswer(await this.#pages.read(index.base, question, signal));
    const link = await this.#link(index.base, question, signal);
    if (link === undefined) return { status: 404 };
    this.#checkLink(index.base, link);
    const { path, bytes } = await this.#downloads.file(link, index.downloads);
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
    const { links } = await this.#pages.read(base, question, signal);
    return Object.hasOwn(links, question.file) ? links[question.file] : undefined;
  }

  /** Before the cache is looked at, too. Trusted hosts are there for the indexes that lie on them, and not for what anybody's index links to. */
  #checkLink(base: string, { url }: Link): void {
    const { policy } = this.#options;
    const address = new URL(url);
    const problem = urlProblem(address, policy) ?? wayProblem(new URL(base), address, policy);
    if (problem !== undefined) throw new UpstreamError('NotAllowed', problem);
  }

  #failure(error: unknown, path: string): IndexAnswer {
    const isKnown = error instanceof UpstreamError;
    this.#options.logger.warn('a package could not be had', { path, error });
    if (isKnown && error.code === 'NotFound') return { status: 404 };
    if (isKnown && error.code === 'NotAllowed') return { status: 403 };
    return { status: 502 };
  }
}

function withoutBody({ body: _, ...answer }: IndexAnswer): IndexAnswer {
  return answer;
}
