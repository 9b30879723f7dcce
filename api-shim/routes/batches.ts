import { z } from 'zod';
import { endsOf, submitBatch, type Part } from '../batch.ts';
import { errorBody } from '../errors.ts';
import type { Executions } from '../executions.ts';
import type { Run } from '../run.ts';
import { presentRun, presentSubmitted } from '../present-execution.ts';
import type { RequestContext } from '../request-context.ts';
import { route, type Route } from '../route.ts';
import {
  batchRequest,
  executeSyncQuery,
  executionBatch,
  submittedBatch,
} from '../schemas/execution.ts';
import { OF_SESSION, sessionPath } from '../schemas/session.ts';

const [short, long] = OF_SESSION;

const BATCH =
  'One mistake in any of them, and none is created. What can only be found out one by one, such as an API server that goes away meanwhile, stands in `error` of that item and stops no other. Counts as so many requests.';

export function batchRoutes(executions: Executions): readonly Route[] {
  return [
    route({
      id: 'executeBatch',
      method: 'post',
      paths: [`${short}/execute-batch`, `${long}/execute-batch`],
      tag: 'executions',
      summary: 'Run up to 100 pieces of code in a session, answer at once',
      description: `${BATCH} They begin in the order in which they stand.`,
      input: z.object({ params: sessionPath, body: batchRequest }),
      success: { status: 201, description: 'At least one was accepted', schema: submittedBatch },
      errors: ['SessionNotFound', 'SessionNotActive'],
      handle: async ({ params, body }, context) => {
        const batch = { sessionId: params.session_id, bodies: body.executions };
        const parts = await submitBatch(executions, batch, context);
        const places = executions.places();
        return presentBatch(parts, context, (run) => presentSubmitted(places, run));
      },
    }),
    route({
      id: 'executeBatchSync',
      method: 'post',
      paths: [`${short}/execute-batch-sync`, `${long}/execute-batch-sync`],
      tag: 'executions',
      summary: 'Run up to 100 pieces of code in a session, answer when all have ended',
      description: `${BATCH} One that has not ended after sync_timeout is a SyncTimeout with its execution_id, and goes on.`,
      input: z.object({ params: sessionPath, query: executeSyncQuery, body: batchRequest }),
      success: { status: 200, description: 'The ended executions', schema: executionBatch },
      errors: ['SessionNotFound', 'SessionNotActive'],
      handle: async ({ params, query, body }, context) => {
        const batch = { sessionId: params.session_id, bodies: body.executions };
        const parts = await submitBatch(executions, batch, context);
        const waited = { parts, timeoutSeconds: query.sync_timeout };
        const ends = await endsOf(executions, waited, context);
        const places = executions.places();
        return presentBatch(ends, context, (run) => presentRun(places, run));
      },
    }),
  ];
}

function presentBatch(
  parts: readonly Part[],
  { requestId }: RequestContext,
  present: (run: Run) => object,
): object {
  const items = parts.map(({ run, error }) => ({
    execution: run === undefined ? null : present(run),
    error: error === undefined ? null : errorBody(error, requestId),
  }));
  return { items, failed: items.filter(({ error }) => error !== null).length };
}
