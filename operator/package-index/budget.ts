import { Transform } from 'node:stream';
import { UpstreamError } from './upstream.ts';

/** What one piece of work has taken, and how it is stopped. */
interface Taker {
  readonly counted: Transform;
  taken: number;
}

/**
 * How much may be on its way at a time, of whomever: sandboxes choose what is fetched for them, and that must not be all that there is. Where it would be too
 * much, what has taken most gives way, not who comes last: otherwise a sandbox that lets large things come slowly would keep all others from anything.
 */
export class Budget {
  readonly #takers = new Set<Taker>();
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** Does `work` with a stream that counts what goes through it; fails with TooLarge above `limit`, or where it gives way. */
  async within<T>(limit: number, work: (counted: Transform) => Promise<T>): Promise<T> {
    const counted = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        if (taker.taken + chunk.length > limit || !this.#take(taker, chunk.length))
          done(tooLarge());
        else done(null, chunk);
      },
    });
    const taker: Taker = { counted, taken: 0 };
    this.#takers.add(taker);
    try {
      return await work(counted);
    } finally {
      this.#giveBack(taker);
    }
  }

  /** Whether it may; others may have had to give way for it. */
  #take(taker: Taker, bytes: number): boolean {
    taker.taken += bytes;
    this.#left -= bytes;
    while (this.#left < 0) {
      const greediest = this.#greediest(taker);
      if (greediest === taker) return false;
      this.#giveBack(greediest);
      greediest.counted.destroy(tooLarge());
    }
    return true;
  }

  /** Of those that still take; what one that is through has taken is about to be put away. */
  #greediest(first: Taker): Taker {
    let greediest = first;
    for (const taker of this.#takers)
      if (taker.taken > greediest.taken && !taker.counted.readableEnded) greediest = taker;
    return greediest;
  }

  #giveBack(taker: Taker): void {
    if (!this.#takers.delete(taker)) return;
    this.#left += taker.taken;
  }
}

function tooLarge(): UpstreamError {
  return new UpstreamError('TooLarge', 'what an index sent is too large');
}
