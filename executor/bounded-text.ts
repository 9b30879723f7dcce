import { badAnswer } from './client-errors.ts';

const MAX_PROBLEM_BYTES = 16_384;

/** An answer that holds no more than `maxBytes`, by default those of one that should be short. */
export async function boundedText(
  body: AsyncIterable<Buffer>,
  maxBytes = MAX_PROBLEM_BYTES,
): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) throw badAnswer('it is larger than agreed');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
