import type { Output } from '../../crds/execution.ts';

/** The output as it may be stored: head and tail where the whole is too long. The executor cuts too, but can't be trusted to. */
export function keptOutput({ text, bytes, truncated }: Output, limitBytes: number): Output {
  if (storedBytes(text) <= limitBytes) return { text, bytes, truncated };
  const half = Math.floor(limitBytes / 2);
  const head = longestWithin(half, (length) => text.slice(0, length), text.length);
  const tail = longestWithin(half, (length) => text.slice(text.length - length), text.length);
  return { text: `${head}\n[...]\n${tail}`, bytes, truncated: true };
}

/** Control characters take six bytes in JSON. */
function storedBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text));
}

/** The longest piece whose stored form fits, found by halving the interval. */
function longestWithin(
  limitBytes: number,
  piece: (length: number) => string,
  most: number,
): string {
  let [fits, tooLong] = [0, most + 1];
  while (tooLong - fits > 1) {
    const middle = Math.floor((fits + tooLong) / 2);
    if (storedBytes(piece(middle)) <= limitBytes) fits = middle;
    else tooLong = middle;
  }
  return piece(fits);
}
