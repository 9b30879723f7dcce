import { badAnswer } from './client-errors.ts';

const MAX_PROBLEM_BYTES = 16_384;

/** Of an answer that should be short. */
export async function boundedText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_PROBLEM_BYTES) throw badAnswer('it is larger than agreed');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
