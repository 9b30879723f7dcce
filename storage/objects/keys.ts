import { StoreError } from './errors.ts';

/** Of S3. */
const MAX_KEY_BYTES = 1_024;
/** Of a name in a folder on Linux. */
const MAX_SEGMENT_BYTES = 255;

/** Throws BadKey for whatever could mean another place than it says, or cannot be stored everywhere. */
export function checkKey(key: string): string {
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw refuse('has at most 1024 bytes');
  if (!key.isWellFormed()) throw refuse('is well-formed Unicode');
  for (const segment of key.split('/')) checkSegment(segment);
  return key;
}

/** A prefix is a key with a slash behind it. */
export function checkPrefix(prefix: string): string {
  if (!prefix.endsWith('/')) throw refuse('that begins others ends in a slash');
  checkKey(prefix.slice(0, -1));
  return prefix;
}

function checkSegment(segment: string): void {
  if (segment === '') throw refuse('is relative, without empty segments');
  if (segment === '.' || segment === '..') throw refuse('must not contain . or ..');
  if (segment.includes('\0')) throw refuse('must not contain NUL');
  if (Buffer.byteLength(segment) > MAX_SEGMENT_BYTES)
    throw refuse(`has segments of at most ${String(MAX_SEGMENT_BYTES)} bytes`);
}

function refuse(rule: string): StoreError {
  return new StoreError('BadKey', `a key ${rule}`);
}
