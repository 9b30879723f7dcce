import type { IncomingMessage, ServerResponse } from 'node:http';
import express, { type RequestHandler, type Response, type Router } from 'express';
import { jsonShape } from '../executor/json-shape.ts';
import { ApiError } from './errors.ts';
import { Reply } from './reply.ts';
import { elapsedHeader, type ApiLocals } from './request-tracing.ts';
import type { Route } from './route.ts';

type ApiResponse = Response<unknown, ApiLocals>;
type ApiHandler = RequestHandler<Record<string, string>, unknown, unknown, unknown, ApiLocals>;

/** Serves routes: their methods run, every other method of their paths is a 405 that names the allowed ones. */
export function mount(router: Router, routes: readonly Route[], bodyLimitBytes: number): void {
  const parseBody = jsonBody(bodyLimitBytes);
  const served = byPath(routes);
  for (const [path, ofPath] of served)
    for (const each of ofPath)
      router[each.method](patternOf(path), ...bodyOf(each, parseBody), serve(each));
  // Last: a path with a wildcard may serve what a longer one does not. What neither serves is answered by the one that the document has for it.
  for (const [path, ofPath] of [...served].sort(([a], [b]) => wildcards(a) - wildcards(b)))
    router.all(patternOf(path), refuseMethod(ofPath.map(({ method }) => method.toUpperCase())));
}

function wildcards(path: string): number {
  return path.split('{+').length - 1;
}

function patternOf(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1').replaceAll(/\{\+(\w+)\}/g, '*$1');
}

function byPath(routes: readonly Route[]): Map<string, Route[]> {
  const grouped = new Map<string, Route[]>();
  for (const served of routes) {
    for (const path of served.paths) grouped.set(path, [...(grouped.get(path) ?? []), served]);
  }
  return grouped;
}

function bodyOf(served: Route, parseBody: RequestHandler[]): RequestHandler[] {
  if (served.streamedBody !== undefined) return [requireType(served.streamedBody.mediaTypes)];
  return served.input.body === undefined ? [] : parseBody;
}

function serve({ run, success }: Route): ApiHandler {
  return async (request, response) => {
    const { query, headers: header } = request;
    const raw = { params: joined(request.params), query, header, body: request.body };
    request.body = undefined;
    const answer = await run(raw, response.locals.context, request);
    if (answer instanceof Reply) await reply(response, answer);
    else send(response, success.status, answer);
  };
}

/** A parameter that goes on over slashes comes in pieces. */
function joined(params: Readonly<Record<string, string | string[]>>): Record<string, string> {
  const entries = Object.entries(params);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'string' ? value : value.join('/')]),
  );
}

async function reply(response: ApiResponse, { write }: Reply): Promise<void> {
  if (response.destroyed) return;
  elapsedHeader(response);
  await write(response);
}

/** The one place that writes JSON answers, errors included. */
export function send(response: ApiResponse, status: number, body: unknown): void {
  if (response.destroyed) return;
  elapsedHeader(response);
  response.status(status);
  if (status === 204) response.end();
  else response.json(body);
}

/**
 * Only what says that it is JSON is read as JSON: browsers may send other types across origins without asking first,
 * and a body without a type too.
 */
function jsonBody(limit: number): RequestHandler[] {
  const requireJson: RequestHandler = (request, _response, next) => {
    // Without a body there is no type to ask for: the schema then reports what is missing.
    const isEmpty = request.get('content-length') === '0' || request.is('*/*') === null;
    if (!isEmpty && request.is(['json', '+json']) === false) {
      throw new ApiError('UnsupportedMediaType', 'The body must be JSON');
    }
    next();
  };
  return [
    requireJson,
    express.json({ limit, strict: false, type: () => true, verify: refuseMany }),
  ];
}

/** Above what an event of the largest size can hold. */
const MOST_VALUES = 300_000;

/** A value takes memory many times its length in the text: before it is read it is known how many there are. In UTF-16 they could not be told. */
function refuseMany(request: IncomingMessage, _response: ServerResponse, bytes: Buffer): void {
  const charset = /charset="?(utf-(?:16|32))/i.exec(request.headers['content-type'] ?? '');
  if (charset !== null) throw bodyError('encoding.unsupported');
  if (jsonShape(bytes.toString('latin1')).values > MOST_VALUES) throw bodyError('entity.too.large');
}

/** In the form that body-parser hands on. */
function bodyError(type: string): Error {
  return Object.assign(new Error(type), { type });
}

function requireType(mediaTypes: readonly string[]): RequestHandler {
  return (request, _response, next) => {
    if (request.is([...mediaTypes]) === false)
      throw new ApiError('UnsupportedMediaType', `The body must be ${mediaTypes.join(' or ')}`);
    next();
  };
}

function refuseMethod(methods: readonly string[]): ApiHandler {
  const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  return (request, response) => {
    if (request.method !== 'OPTIONS') {
      throw new ApiError('MethodNotAllowed', `Method Not Allowed: ${request.method}`, {
        headers: { Allow: allow },
      });
    }
    response.set('Allow', allow);
    send(response, 204, undefined);
  };
}
