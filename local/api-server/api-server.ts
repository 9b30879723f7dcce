import { randomInt, randomUUID } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, type Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import { BUILT_IN_KINDS, CRDS, FIRST_NAMESPACES } from './builtin-kinds.ts';
import { kindsOf } from './custom-kinds.ts';
import { startGarbageCollector } from './garbage-collector.ts';
import { createHandler } from './handler.ts';
import { isObject } from './json.ts';
import type { Kind } from './kinds.ts';
import { parseObject, type ApiObject } from './objects.ts';
import { createPages } from './paging.ts';
import type { PodLogSource } from './pod-log.ts';
import { createRegistry, type Registry } from './registry.ts';
import { createResources, type Resources } from './resources.ts';
import { openStorage, type Storage } from './storage.ts';
import type { Store } from './store.ts';
import { startTerminator } from './terminator.ts';
import { createWatchHub } from './watch-hub.ts';

export interface ApiServerOptions {
  /** CustomResourceDefinitions that are there from the start, as objects. */
  readonly crds: readonly unknown[];
  /** `createMemoryStore()` or `createSqliteStore(file)`; closed with the server. */
  readonly store: Store;
  /** The one bearer token that is let in. */
  readonly token: string;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** What answers `pods/log`; absent: no container has a log. */
  readonly podLogs?: PodLogSource;
  /** Serves `pods/resize`, for nodes that can do it: those of local runs can't. */
  readonly resizesPods?: boolean;
  /** How many writes a watch may start in the past; 410 Gone before that. */
  readonly historyLimit?: number;
}

export interface ApiServer {
  readonly handler: RequestListener;
  /** Resolves with the URL; port 0 takes a free one. */
  listen(port: number, host: string): Promise<string>;
  /** Ends all watches and connections. */
  close(): Promise<void>;
}

/** A Kubernetes API server for local runs and tests: see README.md for what it does and does not. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  const { store, token, logger, clock = systemClock, historyLimit = 10_000 } = options;
  const { resizesPods = false } = options;
  const storage = openStorage(store);
  const registry = createRegistry(
    BUILT_IN_KINDS.map((kind) => ({ ...kind, resizes: kind.storage === 'pods' && resizesPods })),
  );
  const resources = createResources({ storage, clock, newUid: randomUUID, newSuffix });
  serveCustomKinds(storage, registry);
  FIRST_NAMESPACES.forEach((name) => {
    ensure({ resources, registry }, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  });
  options.crds.forEach((crd) => {
    ensure({ resources, registry }, parsed(crd));
  });
  // What the start itself wrote is no news to anyone.
  const hub = createWatchHub({ storage, clock, historyLimit });
  const stopCollector = startGarbageCollector({ storage, registry, resources, clock, logger });
  const stopTerminator = startTerminator({ storage, registry, resources, clock, logger });
  const handler = createHandler({
    storage,
    registry,
    resources,
    hub,
    pages: createPages(randomUUID),
    clock,
    random: Math.random,
    token,
    logger,
    podLogs: options.podLogs ?? (() => Promise.resolve(undefined)),
  });
  const http = createServer(handler);
  return {
    handler,
    listen: (port, host) =>
      new Promise((resolve, reject) => {
        http.once('error', reject);
        http.listen(port, host, () => {
          http.off('error', reject);
          resolve(urlOf(http.address()));
        });
      }),
    close: async () => {
      stopCollector();
      stopTerminator();
      hub.close();
      if (http.listening) {
        await new Promise((resolve) => {
          http.close(resolve);
          http.closeAllConnections();
        });
      }
      store.close();
    },
  };
}

/** Without vowels, so that no word comes out, and without digits that look like letters. */
const SUFFIX_CHARACTERS = 'bcdfghjklmnpqrstvwxz2456789';

function newSuffix(): string {
  return Array.from({ length: 5 }, () =>
    SUFFIX_CHARACTERS.charAt(randomInt(SUFFIX_CHARACTERS.length)),
  ).join('');
}

function urlOf(address: AddressInfo | string | null): string {
  if (address === null || typeof address === 'string')
    throw new Error('the API server listens on no port');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${String(address.port)}`;
}

/** Keeps the kinds served in step with the CustomResourceDefinitions stored. */
function serveCustomKinds(storage: Storage, registry: Registry): void {
  const serve = (crd: ApiObject): void => {
    registry.remove(crd.metadata.name ?? '');
    for (const kind of kindsOf(crd)) {
      registry.add(kind);
      // What an older schema let in has the defaults of this one, as on the real server.
      storage.reread(kind.storage, (object) => kind.strategy.decode(object).object);
    }
  };
  for (const entry of storage.list(CRDS, '')) serve(entry.object);
  storage.subscribe(({ type, entry }) => {
    if (entry.storage !== CRDS) return;
    if (type === 'DELETED') registry.remove(entry.name);
    else serve(entry.object);
  });
}

function parsed(given: unknown): ApiObject {
  const body = structuredClone(given);
  if (!isObject(body)) throw new Error('a CustomResourceDefinition is an object');
  return parseObject(body).object;
}

/** Creates the object, or brings what is there to what is given. */
function ensure(
  { resources, registry }: { resources: Resources; registry: Registry },
  object: ApiObject,
): void {
  const kind = registry.all().find((one) => isOf(one, object));
  if (kind === undefined) throw new Error(`no kind ${object.kind} is built in`);
  const options = { dryRun: false, fieldValidation: 'Ignore', warn: () => undefined } as const;
  const ref = { namespace: '', name: object.metadata.name ?? '' };
  const change = (current: ApiObject | undefined): ApiObject =>
    current === undefined
      ? object
      : { ...object, metadata: { ...current.metadata, ...object.metadata } };
  resources.update(
    { kind, ref },
    { change, replaces: false, creates: true, subresource: '' },
    options,
  );
}

function isOf(kind: Kind, { apiVersion, kind: name }: ApiObject): boolean {
  return (
    kind.kind === name &&
    apiVersion === (kind.group === '' ? kind.version : `${kind.group}/${kind.version}`)
  );
}
