import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { create } from 'content-disposition';
import fresh from 'fresh';
import parseRange from 'range-parser';
import { etagOf } from './etag.ts';
import { mimeTypeOf } from '../present-artifacts.ts';
import { Reply } from '../reply.ts';
import type { RequestContext } from '../request-context.ts';
import { ClientGoneError } from '../request-context.ts';
import type { FoundFile } from './session-files.ts';

/** How a client should keep the file: always as a file, whatever is in it (RFC 6266). */
export function dispositionOf(path: string): string {
  return create(path.slice(path.lastIndexOf('/') + 1), { type: 'attachment' });
}

/** The bytes of a file, or of the part that was asked for, or word that the client has them already. */
export async function fileReply(
  file: FoundFile,
  { headers }: Pick<IncomingMessage, 'headers'>,
  { signal }: RequestContext,
): Promise<Reply> {
  const fixed = headersOf(file);
  // Only that one: clients that ask about their tag themselves send `Cache-Control: no-cache` along.
  if (fresh({ 'if-none-match': headers['if-none-match'] }, { etag: fixed.etag }))
    return head(304, { etag: fixed.etag });
  const range = rangeOf(file.size, headers, fixed.etag);
  if (range === 'unsatisfiable')
    return head(416, { 'content-length': 0, 'content-range': `bytes */${String(file.size)}` });
  const content = await file.open(range);
  return new Reply(async (response) => {
    begin(response, { file, fixed, range });
    try {
      await pipeline(content, response, { signal });
    } catch (error) {
      throw signal.aborted ? new ClientGoneError() : error;
    }
  });
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** One range; several are answered with the whole, which is always allowed (RFC 9110, 14.2). */
function rangeOf(
  size: number,
  headers: IncomingMessage['headers'],
  etag: string,
): Range | 'unsatisfiable' | undefined {
  const { range, 'if-range': ifRange } = headers;
  if (range === undefined || (ifRange !== undefined && ifRange !== etag)) return undefined;
  const parsed = parseRange(size, range);
  if (parsed === -1) return 'unsatisfiable';
  if (parsed === -2 || parsed.type !== 'bytes' || parsed.length !== 1) return undefined;
  return parsed[0];
}

function headersOf(
  file: FoundFile,
): Record<
  | 'etag'
  | 'last-modified'
  | 'content-type'
  | 'content-disposition'
  | 'accept-ranges'
  | 'cache-control',
  string
> {
  return {
    etag: etagOf(file),
    'last-modified': new Date(file.modifiedAt).toUTCString(),
    'content-type': safeTypeOf(file.path),
    'content-disposition': dispositionOf(file.path),
    'accept-ranges': 'bytes',
    // To be kept, and asked about each time.
    'cache-control': 'private, no-cache',
  };
}

/** What a browser would run is handed over as bytes, should it ever ignore that it is an attachment. */
function safeTypeOf(path: string): string {
  const type = mimeTypeOf(path);
  return /html|xml|script|svg|pdf|flash|wasm/.test(type) ? 'application/octet-stream' : type;
}

function begin(
  response: ServerResponse,
  {
    file,
    fixed,
    range,
  }: { file: FoundFile; fixed: Record<string, string>; range: Range | undefined },
): void {
  if (range === undefined) {
    response.writeHead(200, { ...fixed, 'content-length': file.size });
    return;
  }
  const { start, end } = range;
  response.writeHead(206, {
    ...fixed,
    'content-length': end - start + 1,
    'content-range': `bytes ${String(start)}-${String(end)}/${String(file.size)}`,
  });
}

function head(status: number, headers: Record<string, string | number>): Reply {
  return new Reply((response) => {
    response.writeHead(status, headers).end();
    return Promise.resolve();
  });
}

/** Where the bytes of a large file are. */
export function redirectTo(location: string): Reply {
  return head(307, { location, 'content-length': 0 });
}
