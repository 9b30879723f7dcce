import pLimit from 'p-limit';
import type { ApiError } from './errors.ts';
import { toApiError } from './to-api-error.ts';
import type { Executions, Run } from './executions.ts';
import { newExecutionIds, restIdOf } from './names.ts';
import type { Audited, RequestContext } from './request-context.ts';
import type { ExecuteRequest } from './schemas/execution.ts';

/** What became of one part of a batch. */
export type Part =
  | { readonly run: Run; readonly error?: never }
  | { readonly run?: never; readonly error: ApiError };

/** A batch must not crowd out who else writes to the API server. */
const CREATES_AT_ONCE = 10;

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
  const turns = pLimit(CREATES_AT_ONCE);
  const parts = await Promise.all(
    bodies.map((body, place) =>
      turns(() => outcomeOf(executions.start(admission, { id: ids[place] ?? '', body }, context))),
    ),
  );
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
        : outcomeOf(executions.outcomeOf(part.run, timeoutSeconds, context)),
    ),
  );
  context.signal.throwIfAborted();
  return ends;
}

async function outcomeOf(running: Promise<Run>): Promise<Part> {
  try {
    return { run: await running };
  } catch (error) {
    return { error: toApiError(error) };
  }
}

function auditedPart({ run, error }: Part): NonNullable<Audited['parts']>[number] {
  if (run === undefined) return { object: null, status: error.status };
  return { object: { kind: 'execution', id: restIdOf(run.execution) }, status: 201 };
}
