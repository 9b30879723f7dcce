import { z } from 'zod';
import type { Clock } from '../../kube/clock.ts';
import { errorBody } from '../errors.ts';
import { toApiError } from '../to-api-error.ts';
import type { Executions } from '../executions.ts';
import type { Run } from '../run.ts';
import { presentRun } from '../present-execution.ts';
import { Reply } from '../reply.ts';
import { ClientGoneError, type RequestContext } from '../request-context.ts';
import { route, type Route } from '../route.ts';
import { executeRequest, executionPath, type ExecutionResponse } from '../schemas/execution.ts';
import { eventStreamText, streamHeader, streamQuery } from '../schemas/stream.ts';
import { sessionPath } from '../schemas/session.ts';
import { eventStream, type Frame } from '../streams/event-stream.ts';
import type { RunStreams, StreamEvent } from '../streams/run-streams.ts';
import { isFinished } from '../../crds/execution.ts';

export interface StreamDeps {
  readonly executions: Executions;
  readonly streams: RunStreams;
  readonly clock: Clock;
}

const EVENTS = {
  status: 200,
  description: 'Events until the execution has ended',
  schema: eventStreamText,
  mediaType: 'text/event-stream',
} as const;
const END = 'end';

export function streamRoutes({ executions, streams, clock }: StreamDeps): readonly Route[] {
  const stream = (run: Run, from: number, context: RequestContext): Reply => {
    const { signal, closing } = context;
    const events = streams.of(run, from, AbortSignal.any([signal, closing]));
    return eventStream(framesOf(events, executions, context), { clock, signal });
  };
  return [
    route({
      id: 'executeStream',
      method: 'post',
      paths: [
        '/api/v1/sessions/{session_id}/execute-stream',
        '/api/v1/executions/sessions/{session_id}/execute-stream',
      ],
      tag: 'executions',
      summary: 'Run code in a session, answer with its output as it comes',
      description:
        'The first event tells the execution_id. A client that goes away does not end the run: GET /api/v1/executions/{execution_id}/stream goes on.',
      input: z.object({ params: sessionPath, body: executeRequest }),
      success: EVENTS,
      errors: ['SessionNotFound', 'SessionNotActive', 'TooManyStreams'],
      handle: async ({ params, body }, context) => {
        streams.admit(params.session_id);
        return stream(await executions.submit(params.session_id, body, context), 0, context);
      },
    }),
    route({
      id: 'streamExecution',
      method: 'get',
      paths: ['/api/v1/executions/{execution_id}/stream'],
      tag: 'executions',
      summary: 'Follow the output of an execution',
      description:
        'From its beginning, or from where a client left off. Of an ended execution what is still held is told again.',
      input: z.object({ params: executionPath, query: streamQuery, header: streamHeader }),
      success: EVENTS,
      alternatives: [
        {
          status: 204,
          description: 'Last-Event-ID is `end`: all was told; clients stop coming back',
        },
      ],
      errors: ['ExecutionNotFound', 'TooManyStreams'],
      handle: async ({ params, query, header }, context) => {
        const run = await executions.get(params.execution_id, context);
        const seen = header['last-event-id'];
        if (seen === END && isFinished(run.execution)) return NOTHING_MORE;
        streams.admit(run.sessionId);
        const after = seen === undefined || seen === END ? undefined : Number(seen) + 1;
        return stream(run, after ?? query.from ?? 0, context);
      },
    }),
  ];
}

const NOTHING_MORE = new Reply((response) => {
  response.writeHead(204).end();
  return Promise.resolve();
});

/** What goes wrong on the way is told as the last event: the head of the answer is long gone. */
async function* framesOf(
  events: AsyncIterable<StreamEvent>,
  executions: Executions,
  { logger, requestId, closing }: RequestContext,
): AsyncGenerator<Frame> {
  try {
    for await (const event of events) yield frameOf(event, executions, requestId);
  } catch (error) {
    if (error instanceof ClientGoneError) throw error;
    if (closing.aborted) {
      // Clients of event streams then come back by themselves, with the last id that they saw.
      yield { comment: 'the server is stopping; come back with Last-Event-ID' };
      return;
    }
    logger.error('a stream broke off', { error });
    yield { event: 'error', data: errorBody(toApiError(error), requestId) };
  }
}

function frameOf(event: StreamEvent, executions: Executions, requestId: string): Frame {
  switch (event.type) {
    case 'status':
      return { event: 'status', data: statusOf(presentRun(executions.places(), event.run)) };
    case 'result':
      return { event: 'result', id: END, data: presentRun(executions.places(), event.run) };
    case 'error':
      return { event: 'error', id: END, data: errorBody(event.error, requestId) };
    case 'gap':
      return { event: 'gap', id: idOf(event), data: { bytes: event.bytes } };
    case 'stdout':
    case 'stderr':
      return { event: event.type, id: idOf(event), data: { text: event.data } };
  }
}

function idOf({ n }: { readonly n?: number | undefined }): string | undefined {
  return n === undefined ? undefined : String(n);
}

function statusOf(execution: ExecutionResponse): object {
  const { id, session_id, status, queue_position, created_at, started_at } = execution;
  return { execution_id: id, session_id, status, queue_position, created_at, started_at };
}
