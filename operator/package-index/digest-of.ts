import { createHash } from 'node:crypto';

/** What a text is called in the cache. */
export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
