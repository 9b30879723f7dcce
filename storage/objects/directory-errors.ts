import { StoreError, type StoreErrorCode } from './errors.ts';

const CODES: Readonly<Record<string, readonly [StoreErrorCode, string]>> = {
  ENOENT: ['NotFound', 'there is no such object'],
  EISDIR: ['BadKey', 'other objects have keys below this one'],
  ENOTEMPTY: ['BadKey', 'other objects have keys below this one'],
  EEXIST: ['BadKey', 'another object is in the way'],
  ENOTDIR: ['BadKey', 'another object has the key of a folder on the way'],
  ERR_FS_EISDIR: ['BadKey', 'other objects have keys below this one'],
  ENAMETOOLONG: ['BadKey', 'the key is too long for this folder'],
};

/** What went wrong with a file, in the store's words; a disk that is full or away may be there again later. */
export function translateFileError(cause: unknown, signal?: AbortSignal): StoreError {
  if (cause instanceof StoreError) return cause;
  if (signal?.aborted === true) return new StoreError('Aborted', 'given up', { cause });
  const code = codeOf(cause);
  const [known, words] = CODES[code] ?? ['Unavailable', `the folder cannot be used (${code})`];
  return new StoreError(known, words, { cause });
}

/** `ENOENT` and its like; empty where there is none. */
export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
