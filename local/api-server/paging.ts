import { badRequest, expired } from './errors.ts';
import type { Entry } from './storage.ts';

interface Snapshot {
  readonly entries: readonly Entry[];
  readonly revision: number;
}

export interface Page extends Snapshot {
  /** Token of the next page; empty at the end. */
  readonly next: string;
  readonly remaining: number;
}

/** Serves the pages of a list from the moment of its first one. */
export interface Pages {
  page(
    want: { readonly token: string; readonly limit: number },
    takeSnapshot: () => Snapshot,
  ): Page;
}

/** Lists that were begun and not read to their end; the oldest make room. */
const KEPT_LISTS = 100;

export function createPages(newId: () => string): Pages {
  const kept = new Map<string, Snapshot>();
  return {
    page: ({ token, limit }, takeSnapshot) => {
      const from = token === '' ? { id: '', start: 0 } : parseToken(token);
      const snapshot = token === '' ? takeSnapshot() : kept.get(from.id);
      if (snapshot === undefined) throw tooOld();
      const end = limit > 0 ? from.start + limit : snapshot.entries.length;
      const remaining = Math.max(snapshot.entries.length - end, 0);
      const entries = snapshot.entries.slice(from.start, end);
      if (remaining === 0) return { entries, revision: snapshot.revision, next: '', remaining };
      const id = token === '' ? newId() : from.id;
      kept.set(id, snapshot);
      for (const oldest of [...kept.keys()].slice(0, -KEPT_LISTS)) kept.delete(oldest);
      return { entries, revision: snapshot.revision, next: tokenOf(id, end), remaining };
    },
  };
}

function tokenOf(id: string, start: number): string {
  return Buffer.from(`${id}/${String(start)}`).toString('base64url');
}

function parseToken(token: string): { id: string; start: number } {
  const [id = '', start = ''] = Buffer.from(token, 'base64url').toString().split('/');
  if (!/^\d+$/.test(start)) throw badRequest('invalid continue token: continue key is not valid');
  return { id, start: Number(start) };
}

function tooOld(): Error {
  return expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results.',
  );
}
