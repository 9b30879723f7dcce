import { badRequest } from './errors.ts';

/** What a path under /api or /apis names. */
export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** Empty: cluster-scoped, or all namespaces. */
  readonly namespace: string;
  /** Empty: the collection. */
  readonly name: string;
  readonly subresource: string;
}

/** Undefined if the path is not one of a resource. */
export function resourcePath(path: string): ResourcePath | undefined {
  const segments = path
    .split('/')
    .filter((segment) => segment !== '')
    .map(decoded);
  const [root, ...rest] = segments;
  if (root === 'api') return inGroup('', rest);
  const [group, ...below] = rest;
  return root === 'apis' && group !== undefined ? inGroup(group, below) : undefined;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw badRequest(`the path is not valid: ${String(cause)}`);
  }
}

const OF_NAMESPACES: ReadonlySet<string | undefined> = new Set(['status', 'finalize']);

function inGroup(group: string, [version, ...rest]: readonly string[]): ResourcePath | undefined {
  if (version === undefined || rest.length === 0) return undefined;
  const [namespace, within] = inNamespace(rest) ? [rest[1], rest.slice(2)] : ['', rest];
  const [plural = '', name = '', subresource = '', ...extra] = within;
  if (extra.length > 0) return undefined;
  return { group, version, plural, namespace: namespace ?? '', name, subresource };
}

/** A namespace is a resource too: `namespaces/x/status` names its status, not what is in it. */
function inNamespace([first, , third]: readonly string[]): boolean {
  return first === 'namespaces' && third !== undefined && !OF_NAMESPACES.has(third);
}
