import { Transform } from 'node:stream';
import { StoreError } from './errors.ts';

/** Passes bytes on and fails unless exactly `size` of them came. */
export function exactly(size: number): Transform {
  let seen = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      seen += chunk.length;
      if (seen > size) done(wrongSize(size));
      else done(null, chunk);
    },
    flush(done) {
      done(seen === size ? null : wrongSize(size));
    },
  });
}

function wrongSize(size: number): StoreError {
  return new StoreError(
    'BadSize',
    `the content is not the ${String(size)} bytes it was said to be`,
  );
}
