import type { ServerResponse } from 'node:http';
import type { Clock } from '../../kube/clock.ts';
import { badRequest, expired } from './errors.ts';
import type { JsonObject } from './json.ts';
import { apiVersionOf, type Kind } from './kinds.ts';
import type { Form } from './negotiation.ts';
import type { Pages } from './paging.ts';
import { selector, type Matches } from './selectors.ts';
import type { Change, Entry, Storage } from './storage.ts';
import { metadataOnly, row, table, type IncludeObject } from './table.ts';
import { textOf, type WatchHub, type WatchRequest } from './watch-hub.ts';

export interface ReadDependencies {
  readonly storage: Storage;
  readonly hub: WatchHub;
  readonly pages: Pages;
  readonly clock: Clock;
  /** Spreads the ends of watches that name no timeout. */
  readonly random: () => number;
}

/** One request for an object or a collection. */
export interface Read {
  readonly kind: Kind;
  /** Empty: all. */
  readonly namespace: string;
  readonly query: URLSearchParams;
  readonly form: Form;
}

/** The JSON of one object in the form that was asked for. */
export function shown(deps: ReadDependencies, read: Read, entry: Entry): string {
  if (read.form === 'metadata') return JSON.stringify(metadataOnly(entry.object));
  if (read.form !== 'table') return textOf(read.kind, entry);
  const metadata = { resourceVersion: entry.object.metadata.resourceVersion };
  return JSON.stringify(table(read.kind, [rowOf(deps, read, entry)], { metadata, define: true }));
}

function rowOf(deps: ReadDependencies, { kind, query }: Read, entry: Entry): JsonObject {
  return row(kind, entry, { include: includeObject(query), now: deps.clock.now() });
}

function includeObject(query: URLSearchParams): IncludeObject {
  const include = query.get('includeObject') ?? 'Metadata';
  if (include === 'None' || include === 'Metadata' || include === 'Object') return include;
  throw badRequest(`unrecognized includeObject value: ${include}`);
}

/** The objects that the selectors of a request choose. */
export function matching(
  { storage }: ReadDependencies,
  { kind, namespace, query }: Read,
): readonly Entry[] {
  const matches = selectorOf(kind, query);
  const all = storage.list(kind.storage, namespace);
  return matches === undefined ? all : all.filter((entry) => matches(entry.object));
}

function selectorOf(kind: Kind, query: URLSearchParams): Matches | undefined {
  return selector(kind, query.get('labelSelector') ?? '', query.get('fieldSelector') ?? '');
}

/** The JSON of a collection, or of a page of it. */
export function listed(deps: ReadDependencies, read: Read): string {
  const { kind, query, form } = read;
  checkRevision(deps.storage, query);
  const limit = query.get('resourceVersion') === '0' ? 0 : Number(query.get('limit') ?? 0);
  const page = deps.pages.page({ token: query.get('continue') ?? '', limit }, () => ({
    entries: matching(deps, read),
    revision: deps.storage.revision,
  }));
  const metadata: JsonObject = {
    resourceVersion: String(page.revision),
    ...(page.next === ''
      ? {}
      : {
          continue: page.next,
          ...(selectorOf(kind, query) === undefined ? { remainingItemCount: page.remaining } : {}),
        }),
  };
  if (form === 'table') {
    return JSON.stringify(
      table(
        kind,
        page.entries.map((entry) => rowOf(deps, read, entry)),
        { metadata, define: true },
      ),
    );
  }
  const [listKind, apiVersion] =
    form === 'metadata'
      ? ['PartialObjectMetadataList', 'meta.k8s.io/v1']
      : [kind.listKind, apiVersionOf(kind)];
  const items = page.entries.map((entry) =>
    form === 'metadata' ? shown(deps, read, entry) : textOf(kind, entry),
  );
  // The items are JSON already.
  return `{"kind":"${listKind}","apiVersion":"${apiVersion}","metadata":${JSON.stringify(metadata)},"items":[${items.join(',')}]}`;
}

function checkRevision(storage: Storage, query: URLSearchParams): void {
  const given = query.get('resourceVersion') ?? '';
  if (given !== '' && !/^\d+$/.test(given))
    throw badRequest(`Invalid value: ${JSON.stringify(given)}: resource version must be a number`);
  if (query.get('resourceVersionMatch') === 'Exact' && Number(given) !== storage.revision) {
    throw expired(`The resourceVersion for the provided list is too old.`);
  }
}

/** Answers a watch: lines of JSON until its time is over, the client goes, or it reads too slowly. */
export function watched(deps: ReadDependencies, read: Read, response: ServerResponse): void {
  const request = watchRequest(deps, read);
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.flushHeaders();
  if (request.after !== undefined && !deps.hub.remembers(request.after)) {
    const gone = expired(
      `too old resource version: ${String(request.after)} (${String(deps.hub.oldest)})`,
    );
    response.end(`${JSON.stringify({ type: 'ERROR', object: gone.body() })}\n`);
    return;
  }
  const stop = deps.hub.watch(request, {
    write: (line) => {
      response.write(line);
      return response.writableLength < SLOWEST_BYTES;
    },
    end: () => response.end(),
  });
  response.on('close', stop);
}

/** A client that leaves this much unread has to start again. */
const SLOWEST_BYTES = 64 * 1024 * 1024;

function watchRequest(deps: ReadDependencies, read: Read): WatchRequest {
  const { kind, namespace, query } = read;
  checkRevision(deps.storage, query);
  const revision = query.get('resourceVersion') ?? '';
  const everything =
    revision === '' || revision === '0' || query.get('sendInitialEvents') === 'true';
  const seconds = Number(query.get('timeoutSeconds') ?? 0);
  return {
    kind,
    namespace,
    matches: selectorOf(kind, query),
    after: everything ? undefined : Number(revision),
    bookmarks:
      query.get('allowWatchBookmarks') === 'true' || query.get('allowWatchBookmarks') === '1',
    timeoutSeconds: seconds > 0 ? seconds : 1800 * (1 + deps.random()),
    render: renderer(deps, read),
  };
}

function renderer(deps: ReadDependencies, read: Read): (change: Change) => string {
  if (read.form === 'metadata') return ({ entry }) => JSON.stringify(metadataOnly(entry.object));
  if (read.form !== 'table') return ({ entry }) => textOf(read.kind, entry);
  let define = true;
  return ({ entry }) => {
    const metadata = { resourceVersion: entry.object.metadata.resourceVersion };
    const one = table(read.kind, [rowOf(deps, read, entry)], { metadata, define });
    define = false;
    return JSON.stringify(one);
  };
}
