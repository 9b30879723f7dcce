import type { IncomingMessage, ServerResponse } from 'node:http';
import { StatusError } from './errors.ts';
import type { JsonObject } from './json.ts';

/** What is sent back: JSON text, unless `type` says otherwise. */
export interface Answer {
  readonly code: number;
  readonly body: string;
  readonly type?: string;
}

const LARGEST_BODY = 3 * 1024 * 1024;

/** The whole body as text; throws a StatusError above the size that the API server takes. */
export async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const buffer = Buffer.from(chunk as Uint8Array);
    bytes += buffer.length;
    if (bytes > LARGEST_BODY) throw tooLarge();
    chunks.push(buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function tooLarge(): StatusError {
  const message = `Request entity too large: limit is ${String(LARGEST_BODY)}`;
  return new StatusError({ code: 413, reason: 'RequestEntityTooLarge', message });
}

export function mediaType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';', 1).join('').trim().toLowerCase();
}

export function send(response: ServerResponse, answer: Answer, warnings: readonly string[]): void {
  const headers: Record<string, string | string[]> = {
    'Content-Type': answer.type ?? 'application/json',
    'Content-Length': String(Buffer.byteLength(answer.body)),
    'Cache-Control': 'no-cache, private',
  };
  if (warnings.length > 0) headers['Warning'] = warnings.map(warningHeader);
  response.writeHead(answer.code, headers).end(answer.body);
}

/** A header is ASCII, and a field's name may be anything. */
function warningHeader(warning: string): string {
  return `299 - ${JSON.stringify(warning.replaceAll(/[^\x20-\x7e]/g, '?'))}`;
}

/** The Status body of a failure; undefined for one that is nobody's fault but this server's. */
export function failure(error: unknown): Answer | undefined {
  return error instanceof StatusError
    ? { code: error.code, body: JSON.stringify(error.body()) }
    : undefined;
}

/** `body` as an answer; undefined is a page that is not there. */
export function json(body: JsonObject | undefined, code = 200): Answer {
  return body === undefined ? PAGE_NOT_FOUND : { code, body: JSON.stringify(body) };
}

export const OK: Answer = { code: 200, body: 'ok', type: 'text/plain; charset=utf-8' };

export const PAGE_NOT_FOUND: Answer = {
  code: 404,
  body: '404 page not found\n',
  type: 'text/plain; charset=utf-8',
};

export const INTERNAL_ERROR: Answer = {
  code: 500,
  body: JSON.stringify(
    new StatusError({
      code: 500,
      reason: 'InternalError',
      message: 'Internal error occurred: see the log of the server',
    }).body(),
  ),
};
