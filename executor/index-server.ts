import {
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  performServerHandshake,
} from 'node:http2';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { IndexAnswer, IndexHandler } from './client.ts';

/** What one sandbox can make the control plane do at a time, and in all over one connection: thousands of files are more than any install needs. */
const MAX_STREAMS = 32;
const MAX_REQUESTS = 20_000;
const MAX_PATH = 1_024;
const SETTINGS = { maxConcurrentStreams: MAX_STREAMS, enablePush: false, maxHeaderListSize: 4_096 };

/** Serves an index over a connection to an executor, which is the client on it. Resolves when `signal` aborts, rejects when it ends before. */
export async function serveIndex(
  socket: Duplex,
  index: IndexHandler,
  signal: AbortSignal,
): Promise<void> {
  const session = performServerHandshake(socket, { settings: SETTINGS, maxSessionMemory: 4 });
  let left = MAX_REQUESTS;
  session.on('stream', (stream, headers) => {
    left -= 1;
    if (left < 0) session.destroy();
    else void answer(stream, headers, index);
  });
  await closed(session, signal).finally(() => {
    socket.destroy();
  });
}

async function closed(session: ServerHttp2Session, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  const stop = (): void => {
    session.destroy();
    resolve(undefined);
  };
  session.once('error', reject);
  session.once('close', () => {
    reject(new Error('the sandbox gave the index back'));
  });
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  await promise.finally(() => {
    signal.removeEventListener('abort', stop);
    session.on('error', () => undefined);
  });
}

/** Never rejects: what goes wrong with one request is that request's matter. */
async function answer(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  index: IndexHandler,
): Promise<void> {
  const gone = new AbortController();
  stream.on('error', () => undefined);
  stream.once('close', () => {
    gone.abort();
  });
  stream.resume();
  try {
    await send(stream, await answerTo(headers, index, gone.signal));
  } catch {
    if (!stream.destroyed && !stream.headersSent) stream.respond({ ':status': 502 }, END);
    else stream.destroy();
  }
}

const END = { endStream: true };

async function answerTo(
  headers: IncomingHttpHeaders,
  index: IndexHandler,
  signal: AbortSignal,
): Promise<IndexAnswer> {
  const { ':method': method, ':path': path } = headers;
  if (method !== 'GET' && method !== 'HEAD') return { status: 405 };
  if (path === undefined || path.length > MAX_PATH) return { status: 400 };
  return index({ method, path }, signal);
}

async function send(stream: ServerHttp2Stream, found: IndexAnswer): Promise<void> {
  const { status, contentType, contentLength, body } = found;
  if (stream.destroyed) return;
  const headers = {
    ':status': status,
    ...(contentType !== undefined && { 'content-type': contentType }),
    ...(contentLength !== undefined && { 'content-length': String(contentLength) }),
  };
  if (body === undefined) stream.respond(headers, END);
  else if (Buffer.isBuffer(body)) {
    stream.respond(headers);
    stream.end(body);
  } else {
    stream.respond(headers);
    await pipeline(body, stream);
  }
}
