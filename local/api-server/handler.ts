import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../../kube/logger.ts';
import { aggregated, apiGroup, apiGroups, apiResources, apiVersions, VERSION } from './discovery.ts';
import { methodNotAllowed, unauthorized } from './errors.ts';
import { bodyOf, failure, INTERNAL_ERROR, mediaType, PAGE_NOT_FOUND, send, type Answer } from './http.ts';
import type { JsonObject } from './json.ts';
import type { Kind } from './kinds.ts';
import { acceptedForm, type Form } from './negotiation.ts';
import { openApiIndex, openApiV2, openApiV3 } from './openapi.ts';
import { listed, matching, shown, watched, type Read, type ReadDependencies } from './reads.ts';
import type { Registry } from './registry.ts';
import { resourceSubject, timestamp, type Resources } from './resources.ts';
import { resourcePath, type ResourcePath } from './routes.ts';
import type { Entry } from './storage.ts';
import { bind, create, deleteOptions, patch, replace, type Write } from './writes.ts';

export interface HandlerDependencies extends ReadDependencies {
  readonly registry: Registry;
  readonly resources: Resources;
  readonly token: string;
  readonly logger: Logger;
}

interface Request {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly warnings: string[];
}

/** The server's HTTP interface. */
export function createHandler(deps: HandlerDependencies): (incoming: IncomingMessage, response: ServerResponse) => void {
  return (incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://server');
    const method = incoming.method ?? 'GET';
    const request: Request = { incoming, response, method, path: url.pathname, query: url.searchParams, warnings: [] };
    answered(deps, request).then(
      (answer) => {
        if (answer !== 'streaming') send(response, answer, request.warnings);
      },
      (error: unknown) => {
        const known = failure(error);
        if (known === undefined) deps.logger.error('a request to the API server failed', { method, path: url.pathname, error });
        if (response.headersSent) response.destroy();
        else send(response, known ?? INTERNAL_ERROR, []);
      },
    );
  };
}

/** What everyone may read, as in a real cluster. */
const PUBLIC: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz', '/version']);

async function answered(deps: HandlerDependencies, request: Request): Promise<Answer | 'streaming'> {
  const known = isAuthorized(request.incoming.headers.authorization, deps.token);
  if (!known && !(PUBLIC.has(request.path) && request.incoming.headers.authorization === undefined)) throw unauthorized();
  if (PUBLIC.has(request.path)) return request.path === '/version' ? json(VERSION) : { code: 200, body: 'ok', type: 'text/plain; charset=utf-8' };
  const at = resourcePath(request.path);
  const kind = at === undefined ? undefined : deps.registry.find(at.group, at.version, at.plural);
  if (at === undefined || kind === undefined) return described(deps, request);
  return onResource(deps, request, { at, kind });
}

/** The token as a bearer's, or as the password of a URL: see kubeconfigFor. */
function isAuthorized(header: string | undefined, token: string): boolean {
  const [scheme = '', value = ''] = (header ?? '').split(' ');
  const given = scheme === 'Basic' ? Buffer.from(value, 'base64').toString().replace(/^[^:]*:/, '') : value;
  return (scheme === 'Bearer' || scheme === 'Basic') && isSame(given, token);
}

function isSame(given: string, wanted: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(wanted)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function json(body: JsonObject | undefined, code = 200): Answer {
  return body === undefined ? PAGE_NOT_FOUND : { code, body: JSON.stringify(body) };
}

/** Discovery and API descriptions. */
function described({ registry }: HandlerDependencies, { path, incoming, method }: Request): Answer {
  if (method !== 'GET') return PAGE_NOT_FOUND;
  const kinds = registry.all();
  const [root, ...rest] = path.split('/').filter((segment) => segment !== '');
  if (root === 'openapi') return apiDescription(kinds, rest, incoming.headers.accept);
  if (root === 'api' || root === 'apis') return discovered({ root, kinds, rest }, acceptedForm(incoming.headers.accept));
  return PAGE_NOT_FOUND;
}

function apiDescription(kinds: readonly Kind[], [version, ...rest]: readonly string[], accept: string | undefined): Answer {
  if (version === 'v3') return json(rest.length === 0 ? openApiIndex(kinds) : openApiV3(kinds, rest.join('/')));
  if (version !== 'v2' || rest.length > 0) return PAGE_NOT_FOUND;
  acceptedForm(accept);
  return json(openApiV2(kinds));
}

interface Discovered {
  readonly root: 'api' | 'apis';
  readonly kinds: readonly Kind[];
  readonly rest: readonly string[];
}

function discovered({ root, kinds, rest }: Discovered, form: Form): Answer {
  const [group, version] = root === 'api' ? ['', rest[0]] : rest;
  if (rest.length === 0) {
    if (form !== 'discovery') return json(root === 'api' ? apiVersions() : apiGroups(kinds));
    return { ...json(aggregated(kinds, root)), type: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' };
  }
  if (group === undefined || rest.length > 2) return PAGE_NOT_FOUND;
  return json(version === undefined ? apiGroup(kinds, group) : apiResources(kinds, group, version));
}

interface Target {
  readonly at: ResourcePath;
  readonly kind: Kind;
}

async function onResource(deps: HandlerDependencies, request: Request, { at, kind }: Target): Promise<Answer | 'streaming'> {
  if (at.subresource !== '' && !hasSubresource(kind, at.subresource)) return PAGE_NOT_FOUND;
  if (kind.namespaced !== (at.namespace !== '') && (at.name !== '' || !kind.namespaced || request.method !== 'GET')) return PAGE_NOT_FOUND;
  const read: Read = { kind, namespace: at.namespace, query: request.query, form: acceptedForm(request.incoming.headers.accept) };
  if (request.method === 'GET') return answerRead(deps, request, { at, read });
  const write: Write = {
    kind,
    ref: { namespace: at.namespace, name: at.name },
    subresource: at.subresource,
    query: request.query,
    type: mediaType(request.incoming),
    body: await bodyOf(request.incoming),
    warn: (message) => request.warnings.push(message),
  };
  return answerWrite(deps, { method: request.method, read }, write);
}

function hasSubresource(kind: Kind, subresource: string): boolean {
  return subresource === 'status' ? kind.hasStatus : subresource === 'binding' && kind.storage === 'pods';
}

function answerRead(deps: HandlerDependencies, request: Request, { at, read }: { at: ResourcePath; read: Read }): Answer | 'streaming' {
  const { query, response } = request;
  if (at.name !== '') return { code: 200, body: shown(deps, read, deps.resources.get(read.kind, at)) };
  if (query.get('watch') !== 'true' && query.get('watch') !== '1') return { code: 200, body: listed(deps, read) };
  watched(deps, read, response);
  return 'streaming';
}

function answerWrite(deps: HandlerDependencies, { method, read }: { method: string; read: Read }, write: Write): Answer {
  const { resources, clock } = deps;
  const now = timestamp(clock.now());
  const object = ({ entry, created }: { entry: Entry; created: boolean }): Answer => ({ code: created ? 201 : 200, body: shown(deps, read, entry) });
  if (write.subresource === 'binding') return bound(deps, { method, now }, write);
  switch (write.ref.name === '' ? `${method} collection` : method) {
    case 'POST collection':
      return object({ entry: create(resources, write), created: true });
    case 'DELETE collection':
      return deletedAll(deps, read, write);
    case 'PUT':
      return object(replace(resources, write));
    case 'PATCH':
      return object(patch(resources, write, now));
    case 'DELETE':
      return deleted(deps, read, write);
    default:
      throw methodNotAllowed();
  }
}

function bound({ resources }: HandlerDependencies, { method, now }: { method: string; now: string }, write: Write): Answer {
  if (method !== 'POST') throw methodNotAllowed();
  bind(resources, write, now);
  return json({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 }, 201);
}

function deleted(deps: HandlerDependencies, read: Read, write: Write): Answer {
  const { kind, ref } = write;
  const { entry, gone } = deps.resources.delete(kind, ref, deleteOptions(write));
  if (!gone || kind.strategy.returnsDeleted) return { code: 200, body: shown(deps, read, entry) };
  const { uid } = entry.object.metadata;
  const details = { ...resourceSubject(kind, ref.name), uid };
  const { group, ...core } = details;
  return json({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details: group === '' ? core : details });
}

/** Answers with what was there, as the real server does. */
function deletedAll(deps: HandlerDependencies, read: Read, write: Write): Answer {
  const body = listed(deps, { ...read, form: 'object' });
  const options = deleteOptions(write);
  for (const entry of matching(deps, read)) deps.resources.delete(read.kind, entry, options);
  return { code: 200, body };
}
