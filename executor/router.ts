import type { IncomingMessage, ServerResponse } from 'node:http';
import { finished } from 'node:stream';
import { z } from 'zod';
import { REQUEST_ID_HEADER, requestId, type ExecutorProblem } from './contract.ts';
import { PROBLEM_STATUS, ProblemError } from './problem.ts';

/** One request, with what the route's pattern caught. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly query: URLSearchParams;
  /** The pattern's groups, percent-encoded as they came. */
  readonly parts: readonly string[];
  /** Of the client's request that it is made for, if that is known. */
  readonly requestId: string | undefined;
  /** Aborted when the caller is gone. */
  readonly signal: AbortSignal;
}

export interface Route {
  readonly method: string;
  readonly pattern: RegExp;
  readonly open?: boolean;
  handle(call: Call): Promise<void>;
}

/**
 * Answers requests by the first route that fits. This and `node:http` are all the framework there is: the daemon has a dozen calls,
 * and express would be loaded into the memory of every sandbox.
 */
export function createRouter(
  routes: readonly Route[],
  accepts: (token: string) => Promise<boolean>,
  report: (error: unknown, requestId: string | undefined) => void,
): (request: IncomingMessage, response: ServerResponse) => void {
  const becomeKnown = oneAtATime(async (request: IncomingMessage) => {
    await accepted(request, accepts).catch(() => false);
  });
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [path = '', query = ''] = splitOnce(request.url ?? '', '?');
    const fitting = routes.filter((route) => route.pattern.test(path));
    const route = fitting.find(({ method }) => method === request.method);
    if (route?.open === true) void becomeKnown(request);
    else await authenticate(request, accepts);
    if (route === undefined)
      throw new ProblemError(
        'NotFound',
        fitting.length > 0 ? 'no such method here' : 'no such path',
      );
    const parts = route.pattern.exec(path)?.slice(1) ?? [];
    const signal = goneSignal(response);
    const call = { request, response, parts, requestId: requestIdOf(request), signal };
    await route.handle({ ...call, query: new URLSearchParams(query) });
  };
  return (request, response) => {
    answer(request, response).catch((error: unknown) => {
      // Whoever hangs up in the middle breaks what is being read for them: that is no fault of ours.
      if (!(error instanceof ProblemError) && !isHangUp(error, response))
        report(error, requestIdOf(request));
      sendProblem(request, response, error);
    });
  };
}

function isHangUp(error: unknown, { destroyed }: ServerResponse): boolean {
  return destroyed && error instanceof Error && error.name === 'AbortError';
}

function requestIdOf({ headers }: IncomingMessage): string | undefined {
  return requestId.safeParse(headers[REQUEST_ID_HEADER]).data;
}

export function sendJson(response: ServerResponse, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

async function authenticate(
  request: IncomingMessage,
  accepts: (token: string) => Promise<boolean>,
): Promise<void> {
  if (!(await accepted(request, accepts)))
    throw new ProblemError('Unauthorized', 'needs a valid token for this pod');
}

/**
 * A token that comes with a question that needs none is looked at all the same: the first run that comes with it, on which somebody waits, finds it known.
 * Only if no other one is being looked at: whoever has none may ask such a question as often as it likes.
 */
function oneAtATime(look: (request: IncomingMessage) => Promise<void>): typeof look {
  let isLooking = false;
  return async (request) => {
    if (isLooking) return;
    isLooking = true;
    await look(request);
    isLooking = false;
  };
}

/** Whether a request carries a token that is accepted. */
export async function accepted(
  request: IncomingMessage,
  accepts: (token: string) => Promise<boolean>,
): Promise<boolean> {
  const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
  return token !== undefined && (await accepts(token));
}

/** How long a refused request's body is read for nothing. A connection that is closed while the body still comes is reset, and with it may go the answer. */
const LINGER_MS = 500;

function sendProblem(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const problem = problemOf(error);
  const text = JSON.stringify(problem);
  response.writeHead(PROBLEM_STATUS[problem.code], {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    // What is left of a refused request's body after a while is not read.
    connection: 'close',
  });
  response.write(text);
  const signal = AbortSignal.timeout(LINGER_MS);
  finished(request.resume(), { signal, writable: false }, () => {
    response.end();
  });
}

function problemOf(error: unknown): ExecutorProblem {
  if (error instanceof ProblemError)
    return { code: error.code, message: error.message.slice(0, 1_024) };
  if (error instanceof z.ZodError)
    return { code: 'BadRequest', message: z.prettifyError(error).slice(0, 1_024) };
  return { code: 'Internal', message: 'unexpected error' };
}

function goneSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => {
    controller.abort();
  });
  return controller.signal;
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
