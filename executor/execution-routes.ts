import { once } from 'node:events';
import { z } from 'zod';
import type { Logger } from '../kube/logger.ts';
import type { ActivityLog } from './activity.ts';
import { executionId, startRequest } from './contract.ts';
import type { EventBuffer } from './event-buffer.ts';
import type { Execution } from './execution.ts';
import type { Executions } from './executions.ts';
import { overOrWaited, waitMsOf } from './long-poll.ts';
import { ProblemError } from './problem.ts';
import { readJson } from './request-body.ts';
import { type Call, type Route, sendJson } from './router.ts';

/** Code, event and environment at their largest, with what JSON adds. */
const MAX_START_BYTES = 4_194_304;
const EVENTS_PER_WRITE = 64;

const ONE = /^\/v1\/executions\/([^/]+)$/;
const EVENTS = /^\/v1\/executions\/([^/]+)\/events$/;

const from = z.coerce.number().int().min(0);

/** Names and values that an environment can hold. */
const environment = z.record(
  z.string().regex(/^[^=\0]+$/, 'an environment variable needs a name without = and NUL'),
  z.string().regex(/^[^\0]*$/, 'an environment variable cannot hold NUL'),
);
const request = startRequest.extend({ env: environment.default({}) });

export function executionRoutes(
  executions: Executions,
  activity: ActivityLog,
  log?: Logger,
): Route[] {
  const find = (call: Call): Execution => known(call, executions.find(idIn(call)));
  const awaited = async (call: Call): Promise<Execution> => {
    const waitMs = waitMsOf(call);
    if (waitMs === 0) return find(call);
    const signal = AbortSignal.any([call.signal, AbortSignal.timeout(waitMs)]);
    return known(call, await executions.started(idIn(call), signal));
  };
  return [
    {
      method: 'PUT',
      pattern: ONE,
      handle: async (call) => {
        const id = parseId(call.parts[0]);
        const start = request.parse(await readJson(call.request, MAX_START_BYTES));
        const isNew = executions.find(id) === undefined;
        const execution = executions.start(id, start);
        if (isNew && log) logEnd(execution, log.child({ requestId: call.requestId }));
        activity.touch();
        await answer(call, execution);
        activity.touch();
      },
    },
    {
      method: 'GET',
      pattern: ONE,
      handle: async (call) => {
        await answer(call, find(call));
      },
    },
    {
      method: 'DELETE',
      pattern: ONE,
      handle: async (call) => {
        const execution = find(call);
        execution.cancel();
        activity.touch();
        await answer(call, execution);
      },
    },
    {
      method: 'GET',
      pattern: EVENTS,
      handle: async (call) => {
        const { events } = await awaited(call);
        activity.touch();
        await stream(call, events);
        activity.touch();
      },
    },
  ];
}

/** One line per run: its request is found again here by its id, like everywhere else. */
function logEnd({ id, over }: Execution, log: Logger): void {
  void over.then(({ phase, metrics }) => {
    log.info('execution', { execution: id, phase, durationMs: metrics.durationMs });
  });
}

function idIn(call: Call): string {
  return call.parts[0] ?? '';
}

function known(call: Call, execution: Execution | undefined): Execution {
  if (execution === undefined)
    throw new ProblemError('NotFound', `execution ${idIn(call).slice(0, 64)} is not known`);
  return execution;
}

function parseId(id: string | undefined): string {
  const parsed = executionId.safeParse(id);
  if (!parsed.success)
    throw new ProblemError('BadRequest', 'an execution id has 1 to 64 letters, digits, _ or -');
  return parsed.data;
}

async function answer(call: Call, execution: Execution): Promise<void> {
  if (execution.final === undefined) await overOrWaited(execution.over, call);
  if (!call.signal.aborted) sendJson(call.response, execution.state());
}

/** A reader that does not keep up holds nothing but its place: the buffer goes on without it. */
async function stream(call: Call, events: EventBuffer): Promise<void> {
  const { response, signal } = call;
  let next = from.catch(0).parse(call.query.get('from') ?? 0);
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  response.flushHeaders();
  while (!signal.aborted) {
    const batch = events.read(next, EVENTS_PER_WRITE);
    const last = batch.at(-1);
    if (last === undefined) {
      if (events.ended) break;
      await events.changed(signal);
      continue;
    }
    next = last.n + 1;
    const more = response.write(batch.map((event) => `${JSON.stringify(event)}\n`).join(''));
    if (!more && !(await drained(response, signal))) return;
  }
  response.end();
}

async function drained(response: Call['response'], signal: AbortSignal): Promise<boolean> {
  try {
    await once(response, 'drain', { signal });
    return true;
  } catch {
    return false; // gone in the meantime
  }
}
