import { templateIdOf } from '../crds/identity.ts';
import { sessionStatusOf } from '../crds/rest-status.ts';
import { isEnded, type Sandbox } from '../crds/sandbox.ts';
import type { SandboxTemplate } from '../crds/sandbox-template.ts';
import { ConflictError, InvalidError, NotFoundError } from '../kube/errors.ts';
import { ObjectDeletedError, waitFor } from '../kube/wait-for.ts';
import { DeadlineError, withDeadline } from './deadline.ts';
import { ApiError } from './errors.ts';
import { mergedPage, positionOf, uidsIn, type ListQuery, type MergedPage } from './history-page.ts';
import { objectNameOf, restIdOf } from './names.ts';
import { isActive, type SessionSurroundings } from './present-session.ts';
import { byNewest } from './present-time.ts';
import type { RequestContext } from './request-context.ts';
import type { CreateSessionRequest } from './schemas/session.ts';
import type { PatchSessionRequest } from './schemas/session-patch.ts';
import { SessionCreation, type SessionsOptions } from './session-creation.ts';
import { refuseUnkept, sandboxPatch } from './session-patch.ts';

/** What a list of sessions is about; absent: any. */
export interface SessionFilter {
  readonly status?: string | undefined;
  readonly templateId?: string | undefined;
  readonly createdAfter?: number | undefined;
  readonly createdBefore?: number | undefined;
}

/** Ending a pod takes about a second, and so does starting one; after this the answer says what is known by then. */
const SETTLE_WAIT_MS = 2_000;
/** Its status is written now and then, which is a change too. */
const CHANGE_ATTEMPTS = 5;

/** What REST clients can do with sessions. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #creation: SessionCreation;

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#creation = new SessionCreation(options);
  }

  /** For presenting a session. */
  surroundingsOf(sandbox: Sandbox): SessionSurroundings {
    const workspacePath = this.#options.stored?.locationOf(sandbox.metadata.uid) ?? null;
    return { template: this.templateOf(sandbox), workspacePath };
  }

  /** The template as far as it is known. */
  templateOf(sandbox: Sandbox): SandboxTemplate | undefined {
    return this.#options.templates.known(sandbox.spec.templateRef.name);
  }

  /** One API write. Throws UnknownTemplate, SessionExists, InvalidQuantity, NoRoom, ... */
  create(body: CreateSessionRequest, context: RequestContext): Promise<Sandbox> {
    return this.#creation.create(body, context);
  }

  list(): readonly Sandbox[] {
    return byNewest(this.#options.sandboxes.list());
  }

  /** What is live and what is past, newest first. */
  page(filter: SessionFilter, query: ListQuery): Promise<MergedPage<Sandbox>> {
    const { sandboxes, history } = this.#options;
    const live = this.list().filter((sandbox) => fits(sandbox, filter));
    const liveUids = (): Set<string> => uidsIn(sandboxes.cache);
    return mergedPage({ live, past: history?.sessions(filter), liveUids }, query);
  }

  /** One that is live. */
  async find(id: string, signal: AbortSignal): Promise<Sandbox | undefined> {
    const sandbox = await this.#options.sandboxes.find(objectNameOf(id), signal);
    return sandbox !== undefined && restIdOf(sandbox) === id ? sandbox : undefined;
  }

  /** Live or past. Throws HistoryError. */
  async findAny(id: string, signal: AbortSignal): Promise<Sandbox | undefined> {
    return (await this.find(id, signal)) ?? this.#options.history?.findSession(id);
  }

  /** Live or past. Throws SessionNotFound or HistoryError. */
  async get(id: string, { signal }: RequestContext): Promise<Sandbox> {
    const sandbox = await this.findAny(id, signal);
    if (sandbox === undefined) throw sessionNotFound(id);
    return sandbox;
  }

  async #past(id: string): Promise<Sandbox> {
    const sandbox = await this.#options.history?.findSession(id);
    if (sandbox === undefined) throw sessionNotFound(id);
    return sandbox;
  }

  /** One API write, or none if it is as wished. Throws SessionNotFound, SessionNotActive and what `sandboxPatch` throws. */
  async change(id: string, body: PatchSessionRequest, context: RequestContext): Promise<Sandbox> {
    const { sandboxes } = this.#options;
    refuseUnkept(body, this.#options.stored);
    for (let attempt = 1; ; attempt += 1) {
      const known = await this.get(id, context);
      const sandbox = (await sandboxes.fetch(known.metadata.name, context.signal)) ?? known;
      if (!isActive(sandbox)) throw notActive(id);
      const patch = sandboxPatch(body, sandbox, this.templateOf(sandbox));
      if (patch === undefined) return sandbox;
      try {
        return await sandboxes.merge(sandbox, patch, context.signal);
      } catch (error) {
        if (error instanceof NotFoundError) throw sessionNotFound(id, error);
        if (!(error instanceof ConflictError) || attempt === CHANGE_ATTEMPTS) throw error;
      }
    }
  }

  /** Asks for it and gives it a moment; what was asked to run before goes first. Throws SessionNotSuspendable. */
  async suspend(id: string, context: RequestContext): Promise<Sandbox> {
    refuseUnkept({ on_idle: 'suspend' }, this.#options.stored);
    return this.#wish(id, 'Suspended', context);
  }

  /** Asks for it and gives it a moment. */
  resume(id: string, context: RequestContext): Promise<Sandbox> {
    return this.#wish(id, 'Running', context);
  }

  /** One API write, or none if it is wished already. Throws SessionNotFound or SessionNotActive. */
  async #wish(
    id: string,
    desiredState: 'Running' | 'Suspended',
    context: RequestContext,
  ): Promise<Sandbox> {
    const { sandboxes } = this.#options;
    const { signal } = context;
    const known = await this.get(id, context);
    const sandbox = (await sandboxes.fetch(known.metadata.name, signal)) ?? known;
    if (!isActive(sandbox)) throw notActive(id);
    if (sandbox.spec.desiredState === desiredState) return sandbox;
    try {
      const wished = await sandboxes.merge(sandbox, { spec: { desiredState } }, signal);
      return await this.#settled(wished, ({ status }) => status?.phase === desiredState, signal);
    } catch (error) {
      if (error instanceof InvalidError) throw notActive(id, error);
      throw error instanceof NotFoundError || error instanceof ObjectDeletedError
        ? sessionNotFound(id, error)
        : error;
    }
  }

  /** Asks for the end and gives it a moment, so that the answer usually has the time of it. */
  async terminate(id: string, context: RequestContext): Promise<Sandbox> {
    const sandbox = await this.find(id, context.signal);
    if (sandbox === undefined) return this.#past(id);
    if (sandbox.spec.desiredState === 'Terminated') return sandbox;
    try {
      const body = { spec: { desiredState: 'Terminated' } };
      const wished = await this.#options.sandboxes.merge(sandbox, body, context.signal);
      return isEnded(wished) ? wished : await this.#settled(wished, isEnded, context.signal);
    } catch (error) {
      throw error instanceof NotFoundError || error instanceof ObjectDeletedError
        ? sessionNotFound(id, error)
        : error;
    }
  }

  /** Accepted means gone for REST, however long the pod takes. */
  async delete(id: string, context: RequestContext): Promise<void> {
    const sandbox = await this.find(id, context.signal);
    if (sandbox === undefined) {
      return this.#deletePast(await this.#past(id), context);
    }
    try {
      await this.#options.sandboxes.delete(sandbox, context.signal);
      this.#hideLater(sandbox, context);
    } catch (error) {
      const isAnother = error instanceof NotFoundError || error instanceof ConflictError;
      throw isAnother ? sessionNotFound(id, error) : error;
    }
  }

  /** Its object is gone, and with it who would have removed its files. Those that can't be removed now the operator finds (operator/workspace/retention.ts). */
  async #deletePast(sandbox: Sandbox, { logger, signal }: RequestContext): Promise<void> {
    const { history, stored } = this.#options;
    await history?.hide(sandbox);
    await stored?.removeAll(sandbox.metadata.uid, signal).catch((error: unknown) => {
      logger.warn('files of a deleted session are not removed yet', { error });
    });
  }

  /** The mirror hides what a person deleted, but not one that was about to leave for its age anyway. */
  #hideLater(sandbox: Sandbox, { logger }: RequestContext): void {
    this.#options.history?.hide(sandbox).catch((error: unknown) => {
      logger.warn('a deleted session could not be hidden in history', { error });
    });
  }

  /** Once it is as wished, or as it is after a moment. */
  async #settled(
    sandbox: Sandbox,
    isAsWished: (sandbox: Sandbox) => boolean,
    signal: AbortSignal,
  ): Promise<Sandbox> {
    const { sandboxes, clock } = this.#options;
    const uid = sandbox.metadata.uid;
    const reason = new DeadlineError('the session is not as wished yet');
    const until = (current: Sandbox): boolean =>
      current.metadata.uid === uid && (isAsWished(current) || isEnded(current));
    try {
      return await withDeadline(
        { clock, ms: SETTLE_WAIT_MS, reason, signals: [signal] },
        (bounded) =>
          waitFor(sandboxes.cache, sandboxes.refTo(sandbox.metadata.name), {
            until,
            signal: bounded,
          }),
      );
    } catch (error) {
      if (error === reason) return sandboxes.known(sandbox.metadata.name) ?? sandbox;
      throw error;
    }
  }
}

function fits(sandbox: Sandbox, filter: SessionFilter): boolean {
  const { status, templateId, createdAfter = -Infinity, createdBefore = Infinity } = filter;
  const { createdAt } = positionOf(sandbox);
  return (
    (status === undefined || sessionStatusOf(sandbox) === status) &&
    (templateId === undefined || templateIdOf(sandbox) === templateId) &&
    createdAt > createdAfter &&
    createdAt < createdBefore
  );
}

function sessionNotFound(id: string, cause?: unknown): ApiError {
  return new ApiError('SessionNotFound', `Session not found: ${id}`, { cause });
}

function notActive(id: string, cause?: unknown): ApiError {
  return new ApiError('SessionNotActive', `Session is not active: ${id}`, { cause });
}
