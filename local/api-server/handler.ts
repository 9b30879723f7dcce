import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../../kube/logger.ts';
import { resourceSubject } from './admission.ts';
import { isAllowed } from './authorization.ts';
import { described } from './descriptions.ts';
import { VERSION } from './discovery.ts';
import { badRequest, methodNotAllowed, unauthorized } from './errors.ts';
import {
  bodyOf,
  failure,
  INTERNAL_ERROR,
  json,
  mediaType,
  OK,
  PAGE_NOT_FOUND,
  send,
  type Answer,
} from './http.ts';
import type { Kind } from './kinds.ts';
import { acceptedForm } from './negotiation.ts';
import { listed, matching, shown, watched, type Read, type ReadDependencies } from './reads.ts';
import { answerPodLog, type PodLogSource } from './pod-log.ts';
import type { Registry } from './registry.ts';
import { timestamp, type Resources } from './resources.ts';
import { resourcePath, type ResourcePath } from './routes.ts';
import { rescaled, scaleOf } from './scale.ts';
import type { Entry } from './storage.ts';
import { bind, create, deleteOptions, patch, replace, type Write } from './writes.ts';

export interface HandlerDependencies extends ReadDependencies {
  readonly registry: Registry;
  readonly resources: Resources;
  readonly token: string;
  readonly logger: Logger;
  readonly podLogs: PodLogSource;
}

interface Request {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  /** Takes what the client should be told though its request succeeds. */
  readonly warnings: string[];
}

/** A watch has taken the response over. */
const STREAMING = 'streaming';

/** The server's HTTP interface. */
export function createHandler(
  deps: HandlerDependencies,
): (incoming: IncomingMessage, response: ServerResponse) => void {
  return (incoming, response) => {
    const request = { incoming, response, method: incoming.method ?? 'GET', warnings: [] };
    void serve(deps, request);
  };
}

/** Never rejects: a request that fails answers, and what is this server's own fault is logged. */
async function serve(deps: HandlerDependencies, request: Request): Promise<void> {
  const { incoming, response, method, warnings } = request;
  try {
    const answer = await answered(deps, request);
    if (answer !== STREAMING) send(response, answer, warnings);
  } catch (error) {
    const known = failure(error);
    if (known === undefined) {
      deps.logger.error('a request to the API server failed', { method, url: incoming.url, error });
    }
    if (response.headersSent) response.destroy();
    else send(response, known ?? INTERNAL_ERROR, []);
  }
}

async function answered(
  deps: HandlerDependencies,
  request: Request,
): Promise<Answer | typeof STREAMING> {
  const { incoming, method } = request;
  const url = URL.parse(incoming.url ?? '/', 'http://server');
  if (url === null) throw badRequest('the path is not valid');
  const path = url.pathname;
  if (!isAllowed(incoming, path, deps.token)) throw unauthorized();
  if (path === '/version') return json(VERSION);
  if (['/healthz', '/livez', '/readyz'].includes(path)) return OK;
  const at = resourcePath(path);
  const kind = at === undefined ? undefined : deps.registry.find(at.group, at.version, at.plural);
  if (at === undefined || kind === undefined) {
    const { accept } = incoming.headers;
    return method === 'GET' ? described(deps.registry.all(), path, accept) : PAGE_NOT_FOUND;
  }
  return onResource(deps, request, { at, kind, query: url.searchParams });
}

interface Target {
  readonly at: ResourcePath;
  readonly kind: Kind;
  readonly query: URLSearchParams;
}

async function onResource(
  deps: HandlerDependencies,
  { incoming, response, method, warnings }: Request,
  { at, kind, query }: Target,
): Promise<Answer | typeof STREAMING> {
  if (!isServed(kind, at, method)) return PAGE_NOT_FOUND;
  if (at.subresource === 'log') {
    if (method !== 'GET') throw methodNotAllowed();
    const pod = deps.resources.get(kind, { namespace: at.namespace, name: at.name }).object;
    await answerPodLog(deps.podLogs, { pod, query, response, nowMs: deps.clock.now() });
    return STREAMING;
  }
  const form = acceptedForm(incoming.headers.accept);
  if (at.subresource === 'scale' && method === 'GET')
    return json(
      scaleOf(kind, deps.resources.get(kind, { namespace: at.namespace, name: at.name }).object),
    );
  const read: Read = { kind, namespace: at.namespace, query, form };
  if (method === 'GET') return answerRead(deps, read, { name: at.name, response });
  const write: Write = {
    kind,
    ref: { namespace: at.namespace, name: at.name },
    subresource: at.subresource,
    query,
    type: mediaType(incoming),
    body: await bodyOf(incoming),
    warn: (message) => warnings.push(message),
  };
  return answerWrite(deps, { method, read }, write);
}

/** Only collections can be asked for over all namespaces, and only to be read. */
function isServed(
  kind: Kind,
  { name, namespace, subresource }: ResourcePath,
  method: string,
): boolean {
  if (!hasSubresource(kind, subresource)) return false;
  const everywhere = kind.namespaced && name === '' && method === 'GET';
  return kind.namespaced === (namespace !== '') || everywhere;
}

function hasSubresource(kind: Kind, subresource: string): boolean {
  switch (subresource) {
    case '':
      return true;
    case 'status':
      return kind.hasStatus;
    case 'resize':
      return kind.resizes === true;
    case 'scale':
      return kind.scale !== undefined;
    case 'binding':
    case 'log':
      return kind.storage === 'pods';
    default:
      return false;
  }
}

function answerRead(
  deps: HandlerDependencies,
  read: Read,
  { name, response }: { name: string; response: ServerResponse },
): Answer | typeof STREAMING {
  const { kind, namespace, query } = read;
  if (name !== '') {
    return { code: 200, body: shown(deps, read, deps.resources.get(kind, { namespace, name })) };
  }
  if (query.get('watch') !== 'true' && query.get('watch') !== '1') {
    return { code: 200, body: listed(deps, read) };
  }
  watched(deps, read, response);
  return STREAMING;
}

function answerWrite(
  deps: HandlerDependencies,
  { method, read }: { method: string; read: Read },
  write: Write,
): Answer {
  const { resources, clock } = deps;
  const now = timestamp(clock.now());
  const answer = ({ entry, created }: { entry: Entry; created: boolean }): Answer => ({
    code: created ? 201 : 200,
    body: shown(deps, read, entry),
  });
  if (write.subresource === 'scale') return json(rescaled(resources, method, write));
  if (write.subresource === 'binding') return bound(resources, { method, now }, write);
  switch (write.ref.name === '' ? `${method} collection` : method) {
    case 'POST collection':
      return answer({ entry: create(resources, write), created: true });
    case 'DELETE collection':
      return deletedAll(deps, read, write);
    case 'PUT':
      return answer(replace(resources, write));
    case 'PATCH':
      return answer(patch(resources, write, now));
    case 'DELETE':
      return deleted(deps, read, write);
    default:
      throw methodNotAllowed();
  }
}

function bound(
  resources: Resources,
  { method, now }: { method: string; now: string },
  write: Write,
): Answer {
  if (method !== 'POST') throw methodNotAllowed();
  bind(resources, write, now);
  const done = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
  return json(done, 201);
}

function deleted(deps: HandlerDependencies, read: Read, write: Write): Answer {
  const { kind, ref } = write;
  const { entry, gone } = deps.resources.delete(kind, ref, deleteOptions(write));
  if (!gone || kind.strategy.returnsDeleted) return { code: 200, body: shown(deps, read, entry) };
  const { group, ...core } = { ...resourceSubject(kind, ref.name), uid: entry.object.metadata.uid };
  const details = group === '' ? core : { ...core, group };
  return json({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details });
}

/** Answers with what was there, as the real server does. */
function deletedAll(deps: HandlerDependencies, read: Read, write: Write): Answer {
  const body = listed(deps, { ...read, form: 'object' });
  const options = deleteOptions(write);
  for (const entry of matching(deps, read)) deps.resources.delete(read.kind, entry, options);
  return { code: 200, body };
}
