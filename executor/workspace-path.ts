import { ProblemError } from './problem.ts';

const MAX_PATH_BYTES = 4_096;
const MAX_NAME_BYTES = 255;

/** The names along a path below the workspace; throws on whatever could mean a place outside of it, or is no path at all. */
export function pathNames(path: string): string[] {
  const names = path.split('/');
  if (path === '' || Buffer.byteLength(path) > MAX_PATH_BYTES) throw refuse('has 1 to 4096 bytes');
  for (const name of names) checkName(name);
  return names;
}

/** Reads a path out of a URL: a slash must stand there as such, or a name could hold one. */
export function decodePath(encoded: string): string {
  if (/%2f/i.test(encoded)) throw refuse('must not contain an encoded slash');
  try {
    return decodeURIComponent(encoded);
  } catch (cause) {
    throw new ProblemError('BadRequest', 'a path must be percent-encoded UTF-8', { cause });
  }
}

function checkName(name: string): void {
  if (name === '') throw refuse('is relative, without empty names');
  if (name === '.' || name === '..') throw refuse('must not contain . or ..');
  if (name.includes('\0')) throw refuse('must not contain NUL');
  if (Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw refuse(`has names of at most ${String(MAX_NAME_BYTES)} bytes`);
}

function refuse(rule: string): ProblemError {
  return new ProblemError('BadRequest', `a path ${rule}`);
}
