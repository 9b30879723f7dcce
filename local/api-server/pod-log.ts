import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { badRequest } from './errors.ts';
import { listAt, textAt } from './json.ts';
import type { ApiObject } from './objects.ts';

/** Which part of a log a client asked for. */
export interface PodLogRequest {
  readonly tailLines: number | undefined;
  readonly sinceMs: number | undefined;
  readonly timestamps: boolean;
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** The log of a pod's container; undefined where there is none (any more). */
export type PodLogSource = (
  podUID: string,
  request: PodLogRequest,
) => Promise<AsyncIterable<Buffer> | undefined>;

export interface PodLogCall {
  readonly pod: ApiObject;
  readonly query: URLSearchParams;
  readonly nowMs: number;
  readonly response: ServerResponse;
}

/** Answers `pods/log` with plain text, as it comes. Rejects with a StatusError before the first byte. */
export async function answerPodLog(source: PodLogSource, call: PodLogCall): Promise<void> {
  const { pod, query, response } = call;
  const name = pod.metadata.name ?? '';
  const container = containerOf(pod, query.get('container') ?? '');
  // Before it is on a node there is nothing, which the real server does not call an error.
  if (textAt(pod, 'spec.nodeName') === '') {
    response.writeHead(204).end();
    return;
  }
  const gone = new AbortController();
  response.once('close', () => {
    gone.abort();
  });
  const log = await source(pod.metadata.uid ?? '', { ...requestOf(call), signal: gone.signal });
  if (log === undefined)
    throw badRequest(`container "${container}" in pod "${name}" is not available`);
  response.writeHead(200, { 'Content-Type': 'text/plain' });
  response.flushHeaders();
  const limit = numberIn(query, 'limitBytes') ?? Infinity;
  await pipeline(atMost(log, limit), response).catch((error: unknown) => {
    if (!gone.signal.aborted) throw error;
  });
}

function containerOf(pod: ApiObject, asked: string): string {
  const names = listAt(pod, 'spec.containers').map((container) => textAt(container, 'name'));
  if (asked !== '' && !names.includes(asked))
    throw badRequest(`container ${asked} is not valid for pod ${pod.metadata.name ?? ''}`);
  return asked === '' ? (names[0] ?? '') : asked;
}

function requestOf({ query, nowMs }: PodLogCall): Omit<PodLogRequest, 'signal'> {
  const sinceSeconds = numberIn(query, 'sinceSeconds');
  const sinceTime = query.get('sinceTime');
  const since = sinceTime === null ? undefined : Date.parse(sinceTime);
  if (Number.isNaN(since)) throw badRequest(`invalid sinceTime: ${String(sinceTime)}`);
  return {
    tailLines: numberIn(query, 'tailLines'),
    sinceMs: sinceSeconds === undefined ? since : nowMs - sinceSeconds * 1_000,
    timestamps: query.get('timestamps') === 'true',
    follow: query.get('follow') === 'true',
  };
}

function numberIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`invalid ${name}: ${text}`);
  return Number(text);
}

async function* atMost(source: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes;
  for await (const piece of source) {
    yield piece.subarray(0, left);
    left -= piece.length;
    if (left <= 0) return;
  }
}
