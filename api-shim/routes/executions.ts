import { z } from 'zod';
import type { Executions } from '../executions.ts';
import { presentPage } from '../page.ts';
import { presentRun, presentSubmitted } from '../present-execution.ts';
import { route, type Route } from '../route.ts';
import {
  executeRequest,
  executeSyncQuery,
  executionPage,
  executionPath,
  executionResponse,
  listExecutionsQuery,
  submittedResponse,
} from '../schemas/execution.ts';
import { OF_SESSION, sessionPath } from '../schemas/session.ts';

const [short, long] = OF_SESSION;

export function executionRoutes(executions: Executions): readonly Route[] {
  return [...submitRoutes(executions), ...readRoutes(executions), cancelRoute(executions)];
}

function cancelRoute(executions: Executions): Route {
  return route({
    id: 'cancelExecution',
    method: 'post',
    paths: ['/api/v1/executions/{execution_id}/cancel'],
    tag: 'executions',
    summary: 'Cancel an execution',
    description:
      'Kills its processes; what it had printed is kept. One that has ended stays as it is. If the end takes longer than two seconds the answer does not show it yet.',
    input: z.object({ params: executionPath }),
    success: { status: 200, description: 'The execution', schema: executionResponse },
    errors: ['ExecutionNotFound', 'SessionDeleted'],
    handle: async ({ params }, context) => {
      const run = await executions.cancel(params.execution_id, context);
      return presentRun(executions.places(), run);
    },
  });
}

function submitRoutes(executions: Executions): readonly Route[] {
  return [
    route({
      id: 'execute',
      method: 'post',
      paths: [`${short}/execute`, `${long}/execute`],
      tag: 'executions',
      summary: 'Run code in a session, answer at once',
      description:
        'While the session is `creating`, or as many executions run in it as its template allows at once, the execution stays pending; `queue_position` tells its place.',
      input: z.object({ params: sessionPath, body: executeRequest }),
      success: {
        status: 201,
        description: 'The execution was accepted',
        schema: submittedResponse,
      },
      errors: ['SessionNotFound', 'SessionNotActive'],
      handle: async ({ params, body }, context) => {
        const run = await executions.submit(params.session_id, body, context);
        return presentSubmitted(executions.places(), run);
      },
    }),
    route({
      id: 'executeSync',
      method: 'post',
      paths: [`${short}/execute-sync`, `${long}/execute-sync`],
      tag: 'executions',
      summary: 'Run code in a session, answer when it ended',
      description:
        'A failed run is a 200 too: the HTTP status tells of the call, `status` of the run.',
      input: z.object({ params: sessionPath, query: executeSyncQuery, body: executeRequest }),
      success: { status: 200, description: 'The ended execution', schema: executionResponse },
      errors: [
        'SessionNotFound',
        'SessionNotActive',
        'SyncTimeout',
        'ShuttingDown',
        'SessionDeleted',
        'ExecutionNotFound',
      ],
      handle: async ({ params, query, body }, context) => {
        const run = await executions.submit(params.session_id, body, context);
        const ended = await executions.outcomes.within(run, query.sync_timeout, context);
        return presentRun(executions.places(), ended);
      },
    }),
  ];
}

function readRoutes(executions: Executions): readonly Route[] {
  return [
    route({
      id: 'listExecutions',
      method: 'get',
      paths: [`${short}/executions`, `${long}/executions`],
      tag: 'executions',
      summary: 'List the executions of a session, newest first',
      description: 'An unknown session has none.',
      input: z.object({ params: sessionPath, query: listExecutionsQuery }),
      success: { status: 200, description: 'A page of executions', schema: executionPage },
      errors: [],
      handle: async ({ params, query }, context) => {
        const page = await executions.page(params.session_id, query, context);
        const places = executions.places();
        return presentPage(page, query, (execution) =>
          presentRun(places, { execution, sessionId: params.session_id }),
        );
      },
    }),
    route({
      id: 'getExecution',
      method: 'get',
      paths: [
        '/api/v1/executions/{execution_id}',
        '/api/v1/executions/{execution_id}/status',
        '/api/v1/executions/{execution_id}/result',
      ],
      tag: 'executions',
      summary: 'Get an execution',
      description: 'All three paths answer the same, in any state.',
      input: z.object({ params: executionPath }),
      success: { status: 200, description: 'The execution', schema: executionResponse },
      errors: ['ExecutionNotFound', 'HistoryUnavailable'],
      handle: async ({ params }, context) => {
        const run = await executions.get(params.execution_id, context);
        return presentRun(executions.places(), run);
      },
    }),
  ];
}
