import { isFinished, type Execution } from '../crds/execution.ts';
import { aheadOfEach, maxConcurrent, placeInQueue } from '../crds/execution-queue.ts';
import { executionStatusOf } from '../crds/rest-status.ts';
import type { Sandbox } from '../crds/sandbox.ts';
import type { Clock } from '../kube/clock.ts';
import { NotFoundError } from '../kube/errors.ts';
import { HistoryError } from '../storage/history/errors.ts';
import { DeadlineError, withDeadline } from './deadline.ts';
import { ApiError } from './errors.ts';
import type { History } from './history.ts';
import { mergedPage, uidsIn, type ListQuery, type MergedPage } from './history-page.ts';
import { newExecutionId, objectNameOf, restIdOf } from './names.ts';
import { isActive } from './present-session.ts';
import { byNewest } from './present-time.ts';
import type { Repository } from './repository.ts';
import type { RequestContext } from './request-context.ts';
import type { ExecuteRequest } from './schemas/execution.ts';
import { isRunning, notFound, ownerUidOf, type Run } from './run.ts';
import { RunOutcomes } from './run-outcomes.ts';
import type { Sessions } from './sessions.ts';
import { executionDraft } from './submit.ts';

/** The index that the cache of executions must have: they are found by their sandbox. */
export const EXECUTIONS_BY_SANDBOX = {
  name: 'api-shim/sandbox',
  of: (execution: Execution): readonly string[] => [execution.spec.sandboxRef.name],
} as const;

/** The index of those that have not ended, also by their sandbox. */
export const UNFINISHED_BY_SANDBOX = {
  name: 'api-shim/unfinished',
  of: (execution: Execution): readonly string[] =>
    isFinished(execution) ? [] : [execution.spec.sandboxRef.name],
} as const;

export interface ExecutionsOptions {
  readonly executions: Repository<Execution>;
  readonly sandboxes: Repository<Sandbox>;
  readonly sessions: Sessions;
  readonly namespace: string;
  readonly clock: Clock;
  readonly randomHex: () => string;
  /** Absent: what is not live does not exist. */
  readonly history?: History | undefined;
}

/** Killing a run takes milliseconds; after this the answer says what is known by then. */
const CANCEL_WAIT_MS = 2_000;

/** A session that takes executions, and what their ids are made of. */
export interface Admission {
  readonly sandbox: Sandbox;
  readonly sessionId: string;
  readonly nowMs: number;
  /** Eight hexadecimal digits. */
  readonly random: string;
}

/** Where executions stand in the queues of their sessions. */
export interface Places {
  /** How many executions of its session must end before it can begin, by the rule of the operator; null: it has begun or ended. */
  placeOf(execution: Execution): number | null;
}

/** What REST clients can do with executions. */
export class Executions {
  readonly outcomes: RunOutcomes;
  readonly #options: ExecutionsOptions;

  constructor(options: ExecutionsOptions) {
    this.#options = options;
    this.outcomes = new RunOutcomes(options);
  }

  /** One API write. Throws SessionNotFound or SessionNotActive. */
  async submit(sessionId: string, body: ExecuteRequest, context: RequestContext): Promise<Run> {
    const admission = await this.admit(sessionId, context);
    const id = newExecutionId(admission.nowMs, admission.random);
    return this.start(admission, { id, body }, context);
  }

  /** Throws SessionNotFound or SessionNotActive. */
  async admit(sessionId: string, context: RequestContext): Promise<Admission> {
    const { sessions, clock, randomHex } = this.#options;
    const sandbox = await sessions.get(sessionId, context);
    if (!isActive(sandbox))
      throw new ApiError('SessionNotActive', `Session is not active: ${sessionId}`);
    return { sandbox, sessionId, nowMs: clock.now(), random: randomHex() };
  }

  /** One API write. */
  async start(
    { sandbox, sessionId, nowMs }: Admission,
    { id, body }: { readonly id: string; readonly body: ExecuteRequest },
    { requestId, principal, signal }: RequestContext,
  ): Promise<Run> {
    const { executions, namespace } = this.#options;
    const origin = { id, namespace, nowMs, requestId, createdBy: principal.name };
    const draft = executionDraft(body, sandbox, origin);
    return { execution: await executions.create(draft, signal), sessionId };
  }

  /** Asks for its end and gives it a moment, so that the answer usually has the outcome. One that has ended stays as it is. */
  async cancel(id: string, context: RequestContext): Promise<Run> {
    const run = await this.get(id, context);
    if (isFinished(run.execution)) return run;
    const { executions, clock } = this.#options;
    const { signal } = context;
    try {
      const wish = { spec: { cancel: true } };
      const execution = await executions.merge(run.execution, wish, signal);
      const reason = new DeadlineError('the execution has not ended yet');
      const limit = { clock, ms: CANCEL_WAIT_MS, reason, signals: [signal] };
      return await withDeadline(limit, (bounded) =>
        this.outcomes.whenFinished({ ...run, execution }, bounded),
      );
    } catch (error) {
      if (error instanceof DeadlineError) return { ...run, execution: this.newest(run) };
      throw error instanceof NotFoundError ? notFound(id, error) : error;
    }
  }

  /** The places as they are now, for one answer: what waits in a session is looked through once, and only if it is asked about. */
  places(): Places {
    const sessions = new Map<string, (execution: Execution) => number>();
    return {
      placeOf: (execution) => {
        if (executionStatusOf(execution) !== 'pending') return null;
        const { name } = execution.spec.sandboxRef;
        const placeIn = sessions.get(name) ?? this.#placesIn(name);
        sessions.set(name, placeIn);
        return placeIn(execution);
      },
    };
  }

  #placesIn(name: string): (execution: Execution) => number {
    const { executions, sandboxes, sessions } = this.#options;
    const sandbox = sandboxes.known(name);
    const limit = maxConcurrent(sandbox && sessions.templateOf(sandbox));
    const ahead = aheadOfEach(executions.listBy(UNFINISHED_BY_SANDBOX, name), isRunning);
    return (execution) => placeInQueue(ahead(execution), limit);
  }

  /** The execution as this process knows it now. */
  newest({ execution }: Run): Execution {
    return this.#options.executions.known(execution.metadata.name) ?? execution;
  }

  /** Live or past. Throws ExecutionNotFound, also where its session was deleted, or HistoryError. */
  async get(id: string, { signal }: RequestContext): Promise<Run> {
    const execution = await this.#options.executions.find(objectNameOf(id), signal);
    if (execution === undefined || restIdOf(execution) !== id) return this.#past(id);
    const sandbox = await this.#options.sandboxes.find(execution.spec.sandboxRef.name, signal);
    if (!isReachable(execution, sandbox)) throw notFound(id);
    return {
      execution,
      sessionId: sandbox === undefined ? execution.spec.sandboxRef.name : restIdOf(sandbox),
    };
  }

  async #past(id: string): Promise<Run> {
    const { history, sandboxes } = this.#options;
    const run = await history?.findRun(id);
    if (run === undefined) throw notFound(id);
    const sandbox = sandboxes.cache.get(sandboxes.refTo(run.execution.spec.sandboxRef.name));
    const isOwner = sandbox?.metadata.uid === ownerUidOf(run.execution);
    if (isOwner && sandbox?.metadata.deletionTimestamp !== undefined) throw notFound(id);
    return run;
  }

  /** Live and past ones, newest first; of an unknown session there are none. */
  async page(
    sessionId: string,
    { status, ...query }: ListQuery & { readonly status?: string | undefined },
    { signal }: RequestContext,
  ): Promise<MergedPage<Execution>> {
    const { executions, sessions, history } = this.#options;
    const sandbox =
      (await sessions.find(sessionId, signal)) ??
      (await history?.findSession(sessionId).catch(unlessUnavailable));
    if (sandbox === undefined) return mergedPage({ ...NONE, past: undefined }, query);
    const live = executions
      .listBy(EXECUTIONS_BY_SANDBOX, sandbox.metadata.name)
      .filter((execution) => isReachable(execution, sandbox))
      .filter((execution) => status === undefined || executionStatusOf(execution) === status);
    const past = history?.executions({ sandboxUid: sandbox.metadata.uid, status });
    const liveUids = (): Set<string> => uidsIn(executions.cache);
    return mergedPage({ live: byNewest(live), past, liveUids }, query);
  }
}

const NONE = { live: [], liveUids: (): Set<string> => new Set() };

/** A list says what is live, whatever becomes of the database. */
function unlessUnavailable(error: unknown): undefined {
  if (!(error instanceof HistoryError)) throw error;
}

/**
 * Executions go with their session at once, though their objects stay a little longer.
 * One that kubectl made has no owner and is there as long as its object is.
 */
function isReachable(execution: Execution, sandbox: Sandbox | undefined): boolean {
  const owner = ownerUidOf(execution);
  return owner === undefined || owner === sandbox?.metadata.uid;
}
