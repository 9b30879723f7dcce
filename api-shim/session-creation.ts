import { ANNOTATION } from '../crds/names.ts';
import type { Sandbox } from '../crds/sandbox.ts';
import type { SandboxTemplate } from '../crds/sandbox-template.ts';
import type { Clock } from '../kube/clock.ts';
import { AlreadyExistsError } from '../kube/errors.ts';
import type { Draft } from '../kube/objects.ts';
import { ObjectDeletedError, waitFor } from '../kube/wait-for.ts';
import type { StoredWorkspaces } from '../storage/workspaces/stored-workspaces.ts';
import { SessionQuota } from './auth/session-quota.ts';
import { withDeadline } from './deadline.ts';
import { ApiError } from './errors.ts';
import type { History } from './history.ts';
import { newSessionId, objectNameOf } from './names.ts';
import { isActive } from './present-session.ts';
import type { Repository } from './repository.ts';
import type { RequestContext } from './request-context.ts';
import { refusalFor, WAITING_BY_TEMPLATE } from './room.ts';
import type { CreateSessionRequest } from './schemas/session.ts';
import { refuseUnkept } from './session-patch.ts';
import { sandboxDraft } from './submit.ts';
import type { Templates } from './templates.ts';

export interface SessionsOptions {
  readonly sandboxes: Repository<Sandbox>;
  readonly templates: Templates;
  readonly namespace: string;
  readonly clock: Clock;
  readonly randomHex: () => string;
  /** Absent: what is not live does not exist. */
  readonly history?: History | undefined;
  /** Absent: files live and end with their pods. */
  readonly stored?: StoredWorkspaces | undefined;
}

/** How long a create waits for the remains of a deleted session of the same id. */
const REUSE_WAIT_MS = 10_000;
/** How a session comes to be: what it is refused for, and how its id is had. */
export class SessionCreation {
  readonly #options: SessionsOptions;
  readonly #quota = new SessionQuota();

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** One API write. Throws UnknownTemplate, SessionExists, InvalidQuantity, NoRoom, ... */
  async create(body: CreateSessionRequest, context: RequestContext): Promise<Sandbox> {
    const { templates, namespace, clock, randomHex } = this.#options;
    const template = await templates.find(body.template_id, context.signal);
    if (template === undefined)
      throw new ApiError('UnknownTemplate', `Template not found: ${body.template_id}`);
    refuseUnkept(body, this.#options.stored);
    if (typeof body.id === 'string') await this.#refusePast(body.id);
    const nowMs = clock.now();
    const id = body.id ?? newSessionId(nowMs, randomHex());
    const draft = sandboxDraft(body, template, {
      id,
      namespace,
      nowMs,
      requestId: context.requestId,
      createdBy: context.principal.name,
    });
    this.#refuseWithoutRoom(draft, template);
    const { principal, signal } = context;
    return this.#quota.within(
      principal,
      () => this.#othersOf(principal.name, draft),
      () => this.#createOnce(draft, id, signal),
    );
  }

  /** What is there already takes no room twice: that it is there is for its creation to say. */
  #refuseWithoutRoom({ metadata, spec }: Draft<Sandbox>, template: SandboxTemplate): void {
    const { sandboxes } = this.#options;
    if (sandboxes.known(metadata.name ?? '') !== undefined) return;
    const waiting = sandboxes.listBy(WAITING_BY_TEMPLATE, template.metadata.name);
    const refusal = refusalFor(spec.resources, template, waiting);
    if (refusal !== undefined) throw refusal;
  }

  /** How many active sessions the caller has beside this one. */
  #othersOf(caller: string, { metadata: { name } }: Draft<Sandbox>): number {
    const isOther = (sandbox: Sandbox): boolean =>
      sandbox.metadata.annotations?.[ANNOTATION.createdBy] === caller &&
      sandbox.metadata.name !== name &&
      isActive(sandbox);
    return this.#options.sandboxes.list().filter(isOther).length;
  }

  /** An id is taken by what is past, too, as far as that is known. */
  async #refusePast(id: string): Promise<void> {
    const past = await this.#options.history?.findSession(id).catch(() => undefined);
    if (past !== undefined) throw sessionExists(id);
  }

  async #createOnce(draft: Draft<Sandbox>, id: string, signal: AbortSignal): Promise<Sandbox> {
    try {
      return await this.#options.sandboxes.create(draft, signal);
    } catch (error) {
      if (!(error instanceof AlreadyExistsError)) throw error;
    }
    await this.#remainsGone(objectNameOf(id), id, signal);
    try {
      return await this.#options.sandboxes.create(draft, signal);
    } catch (error) {
      throw error instanceof AlreadyExistsError ? sessionExists(id, error) : error;
    }
  }

  /** A deleted session's object stays until its pod is gone; its id is free for REST clients at once, so they wait here. */
  async #remainsGone(name: string, id: string, signal: AbortSignal): Promise<void> {
    const { sandboxes, clock } = this.#options;
    const reason = new ApiError('SessionBeingDeleted', `Session is still being deleted: ${id}`);
    await withDeadline({ clock, ms: REUSE_WAIT_MS, reason, signals: [signal] }, async (bounded) => {
      // Subscribed before looking, so that a deletion right after the look is not missed.
      const gone = waitFor(sandboxes.cache, sandboxes.refTo(name), {
        until: () => false,
        signal: bounded,
      }).catch(expectDeletion);
      const remains = await sandboxes.fetch(name, bounded);
      if (remains === undefined) return;
      if (remains.metadata.deletionTimestamp === undefined) throw sessionExists(id);
      const outcome = await gone;
      if (outcome instanceof Error) throw outcome;
    });
  }
}

/** Turns the rejection that is hoped for into nothing and any other into a value, so that none goes unhandled. */
function expectDeletion(error: unknown): Error | undefined {
  if (error instanceof ObjectDeletedError) return undefined;
  return error instanceof Error ? error : new Error('aborted', { cause: error });
}

function sessionExists(id: string, cause?: unknown): ApiError {
  return new ApiError('SessionExists', `Session ID already exists: ${id}`, { cause });
}
