import { isFileName } from './page.ts';

/** What an installer can ask an index for. */

interface PageQuestion {
  readonly kind: 'page';
  readonly type: 'python' | 'npm';
  readonly name: string;
}

export interface FileQuestion {
  readonly kind: 'file';
  readonly type: 'python' | 'npm';
  readonly name: string;
  readonly file: string;
}

/** What a path asks for. */
export type Question = PageQuestion | FileQuestion;

const NAME = '[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?';
const PYTHON_PAGE = new RegExp(`^/simple/(${NAME})/$`);
const PYTHON_FILE = new RegExp(`^/files/(${NAME})/([^/]+)$`);
const NPM_NAME = '(?:@[A-Za-z0-9][A-Za-z0-9._-]*(?:/|%2[fF]))?[A-Za-z0-9][A-Za-z0-9._-]*';
const NPM_PAGE = new RegExp(`^/npm/(${NPM_NAME})$`);
const NPM_FILE = new RegExp(`^/npm/(${NPM_NAME})/-/([^/]+)$`);

/** Undefined: nothing that an installer has to ask for. */
export function questionOf(path: string): Question | undefined {
  const asked = [
    ['python', PYTHON_PAGE],
    ['python', PYTHON_FILE],
    ['npm', NPM_PAGE],
    ['npm', NPM_FILE],
  ] as const;
  for (const [type, pattern] of asked) {
    const [whole, given = '', file] = pattern.exec(path) ?? [];
    if (whole === undefined) continue;
    const name = type === 'python' ? normalized(given) : given.replace(/%2f/i, '/');
    if (file === undefined) return { kind: 'page', type, name };
    return isFileName(file) ? { kind: 'file', type, name, file } : undefined;
  }
  return undefined;
}

/** https://packaging.python.org/en/latest/specifications/name-normalization/ */
function normalized(name: string): string {
  return name.replaceAll(/[-_.]+/g, '-').toLowerCase();
}

/** Where the index at `base` has the page of a project. */
export function pageUrl(base: string, { type, name }: Question): URL {
  const folder = base.endsWith('/') ? base : `${base}/`;
  return new URL(type === 'python' ? `${name}/` : name.replace('/', '%2f'), folder);
}
