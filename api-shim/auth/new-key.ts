import { createHash } from 'node:crypto';

/** A key for its holder, and the line of the file of callers that makes it known. */
export interface NewKey {
  readonly key: string;
  readonly line: string;
}

/** `random` are 32 random bytes; `options` the other fields of the line. */
export function newKey(random: Buffer, options: Readonly<Record<string, unknown>>): NewKey {
  // Begins like no other secret, so that scanners find one that leaked.
  const key = `sbk_${random.toString('base64url')}`;
  const sha256 = createHash('sha256').update(key).digest('hex');
  const { name, ...rest } = options;
  return { key, line: JSON.stringify({ name, sha256, ...rest }) };
}
