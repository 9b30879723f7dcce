import { Transform } from 'node:stream';
import { MAX_UPLOAD_BYTES } from '../schemas/file.ts';
import { tooLarge } from './multipart.ts';

/** Counts what goes through, and fails with FileTooLarge where that is too much. */
export function bounded(): { readonly through: Transform; readonly size: () => number } {
  let size = 0;
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length;
      if (size > MAX_UPLOAD_BYTES) done(tooLarge());
      else done(null, chunk);
    },
  });
  return { through, size: () => size };
}
