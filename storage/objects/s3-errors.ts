import { S3ServiceException } from '@aws-sdk/client-s3';
import { StoreError, type StoreErrorCode } from './errors.ts';

/** Maps what the SDK threw; the one place where its errors are known. None of its own words goes on: they may hold a key. */
export function translateS3Error(cause: unknown, signal?: AbortSignal): StoreError {
  if (cause instanceof StoreError) return cause;
  if (signal?.aborted === true) return new StoreError('Aborted', 'given up', { cause });
  if (!(cause instanceof S3ServiceException)) {
    return new StoreError('Unavailable', 'the S3 server cannot be reached', { cause });
  }
  const [code, words] = meaningOf(cause);
  return new StoreError(code, words, { cause });
}

/** A HEAD has no body, and so no name of its own for what is missing. */
export function isMissingBucket(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404;
}

function meaningOf({ name, $metadata }: S3ServiceException): readonly [StoreErrorCode, string] {
  const status = $metadata.httpStatusCode ?? 500;
  if (name === 'NoSuchBucket') return ['Refused', 'the bucket does not exist'];
  if (status === 404) return ['NotFound', 'there is no such object'];
  if (status === 416) return ['BadRange', 'the range begins behind the end of the object'];
  if (name === 'IncompleteBody') return ['BadSize', 'the content ended early'];
  if (name === 'KeyTooLongError' || BLOCKED.has(name))
    return ['BadKey', 'the server has no place for this key'];
  if (status >= 500 || status === 429) return ['Unavailable', `the S3 server answered ${status}`];
  return ['Refused', `the S3 server refused it (${name})`];
}

/** Of gateways in front of a file system, where a folder and a file cannot share a name. */
const BLOCKED: ReadonlySet<string> = new Set([
  'ObjectParentIsFile',
  'DirectoryObjectContainsData',
  'ExistingObjectIsDirectory',
]);
