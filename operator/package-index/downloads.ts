import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { LimitFunction } from 'p-limit';
import { Budget } from './budget.ts';
import { digestOf } from './digest-of.ts';
import type { CachedFile, PackageCache } from './package-cache.ts';
import type { Link } from './page.ts';
import { type Upstream, UpstreamError } from './upstream.ts';

export interface DownloadsOptions {
  readonly upstream: Pick<Upstream, 'get'>;
  readonly cache: PackageCache;
}

const MAX_FILE_BYTES = 4_294_967_296;
/** Of one file, from the first byte to the last. */
const MAX_DOWNLOAD_MS = 1_800_000;

/** The files that pages link to: as the cache has them, or from where they are. */
export class Downloads {
  readonly #options: DownloadsOptions;
  readonly #budget: Budget;

  constructor(options: DownloadsOptions) {
    this.#options = options;
    this.#budget = new Budget(options.cache.maxBytes);
  }

  /** In the turn of whoever asks. Goes on when who asked first is gone: another may wait for it by now. Throws UpstreamError. */
  async file({ url, digest }: Link, turn: LimitFunction): Promise<CachedFile> {
    const key = digest === undefined ? `url-${digestOf(url)}` : `${digest.algorithm}-${digest.hex}`;
    const make = (path: string): Promise<void> =>
      this.#budget.within(MAX_FILE_BYTES, (counted) =>
        this.#download({ url, digest }, path, counted),
      );
    // A digest is an index's word for what an address holds, and the turn is one sandbox's: nobody else waits for either.
    return this.#options.cache.provide(key, make, { source: url, turn });
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
}
