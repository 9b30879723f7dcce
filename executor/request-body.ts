import type { IncomingMessage } from 'node:http';
import { ProblemError } from './problem.ts';

/** Reads a JSON body of at most `limit` bytes. */
export async function readJson(request: IncomingMessage, limit: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  // A refusal in the middle leaves the request as it is: destroyed, it would take the connection with it, and the refusal with that.
  const body: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit)
      throw new ProblemError('TooLarge', `the body is larger than ${String(limit)} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    throw new ProblemError('BadRequest', 'the body is not JSON', { cause });
  }
}
