import { ExecutorError } from '../../executor/client.ts';
import { StoreError } from '../../storage/objects/errors.ts';
import { ApiError } from '../errors.ts';

/** Does something with one file, and tells what goes wrong in the words of this API. */
export async function ofFile<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translated(error, path);
  }
}

export function fileNotFound(path: string, cause?: unknown): ApiError {
  return new ApiError('FileNotFound', `File not found: ${path}`, { cause });
}

function translated(cause: unknown, path: string): unknown {
  if (cause instanceof StoreError && cause.code === 'NotFound') return fileNotFound(path, cause);
  if (!(cause instanceof ExecutorError) || cause.retryable) return cause;
  switch (cause.code) {
    case 'NotFound':
      return fileNotFound(path, cause);
    case 'Conflict':
      return new ApiError('FileInTheWay', `Something else is in the way of ${path}`, { cause });
    case 'TooLarge':
      return new ApiError('DiskFull', 'The disk of the session is full', { cause });
    case 'Refused':
      return new ApiError('InvalidFilePath', `Invalid file path: ${path}`, { cause });
    default:
      return cause;
  }
}
