import { Transform } from 'node:stream';
import { UpstreamError } from './upstream.ts';

/** How much may be on its way at a time, of whomever: sandboxes choose what is fetched for them, and that must not be all that there is. */
export class Budget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** Does `work` with a stream that counts what goes through it; fails with TooLarge above `limit`, or where too much else is on its way. */
  async within<T>(limit: number, work: (counted: Transform) => Promise<T>): Promise<T> {
    let taken = 0;
    const counted = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        taken += chunk.length;
        this.#left -= chunk.length;
        if (taken > limit || this.#left < 0) done(tooLarge());
        else done(null, chunk);
      },
    });
    try {
      return await work(counted);
    } finally {
      this.#left += taken;
    }
  }
}

function tooLarge(): UpstreamError {
  return new UpstreamError('TooLarge', 'what an index sent is too large');
}
