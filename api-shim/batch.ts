import type { ApiError } from './errors.ts';
import { logFailure } from './log-failure.ts';
import { toApiError } from './to-api-error.ts';
import type { Executions } from './executions.ts';
import type { Run } from './run.ts';
import { newExecutionIds, restIdOf } from './names.ts';
import type { Audited, RequestContext } from './request-context.ts';
import type { ExecuteRequest } from './schemas/execution.ts';

/** What became of one part of a batch. */
export type Part =
  | { readonly run: Run; readonly error?: never }
  | { readonly run?: never; readonly error: ApiError };

/**
 * Submits many executions to a session, one API write each; they have their turn in the order in which they stand. One that fails stops no other.
 * Throws what concerns all of them, and the first failure where there is nothing else.
 */
export async function submitBatch(
  executions: Executions,
  { sessionId, bodies }: { readonly sessionId: string; readonly bodies: readonly ExecuteRequest[] },
  context: RequestContext,
): Promise<readonly Part[]> {
  context.charge(bodies.length - 1);
  const admission = await executions.admit(sessionId, context);
  const ids = newExecutionIds(admission.nowMs, admission.random, bodies.length);
  const parts: Part[] = [];
  // One after the other: a later one that is there before an earlier one could begin before it.
  for (const [place, body] of bodies.entries()) {
    const creating = executions.start(admission, { id: ids[place] ?? '', body }, context);
    parts.push(await outcomeOf(creating, context));
  }
  context.signal.throwIfAborted();
  const [first] = parts;
  if (first?.error !== undefined && parts.every(({ error }) => error !== undefined))
    throw first.error;
  context.audited.parts = parts.map(auditedPart);
  return parts;
}

/** Each as it was when it had ended, or why its end is not known. */
export async function endsOf(
  executions: Executions,
  { parts, timeoutSeconds }: { readonly parts: readonly Part[]; readonly timeoutSeconds: number },
  context: RequestContext,
): Promise<readonly Part[]> {
  const ends = await Promise.all(
    parts.map(async (part) =>
      part.run === undefined
        ? part
        : outcomeOf(executions.outcomes.within(part.run, timeoutSeconds, context), context),
    ),
  );
  context.signal.throwIfAborted();
  return ends;
}

/** Throws where the client is gone. */
async function outcomeOf(running: Promise<Run>, { logger, signal }: RequestContext): Promise<Part> {
  try {
    return { run: await running };
  } catch (thrown) {
    signal.throwIfAborted();
    const error = toApiError(thrown);
    logFailure(logger, { what: 'part of a batch', thrown, error });
    return { error };
  }
}

function auditedPart({ run, error }: Part): NonNullable<Audited['parts']>[number] {
  if (run === undefined) return { object: null, status: error.status };
  return { object: { kind: 'execution', id: restIdOf(run.execution) }, status: 201 };
}
