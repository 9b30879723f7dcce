import { workspacePath } from '../../executor/contract.ts';
import { ApiError } from '../errors.ts';

/** A path of a file in a workspace; throws InvalidFilePath for whatever could mean another place. */
export function checkedPath(path: string): string {
  if (workspacePath.safeParse(path).success && path.isWellFormed()) return path;
  throw new ApiError('InvalidFilePath', `Invalid file path: ${path.slice(0, 256)}`);
}

/** Whether `name` is `path` or lies in it, by whole names: `out` is not `output`. Slashes around `path` mean nothing. */
export function isWithin(name: string, path: string): boolean {
  const folder = path.replaceAll(/^\/+|\/+$/g, '');
  return folder === '' || name === folder || name.startsWith(`${folder}/`);
}
