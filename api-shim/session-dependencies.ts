import { isEnded, type Sandbox } from '../crds/sandbox.ts';
import type { Clock } from '../kube/clock.ts';
import { ConflictError, NotFoundError } from '../kube/errors.ts';
import { ObjectDeletedError, waitFor } from '../kube/wait-for.ts';
import { withDeadline } from './deadline.ts';
import { indexOf, installStateOf, mergedPackages, packagesOf } from './dependencies.ts';
import { ApiError } from './errors.ts';
import { isActive, isSuspended } from './present-session.ts';
import { inheritedOf } from './inherited.ts';
import type { Repository } from './repository.ts';
import type { RequestContext } from './request-context.ts';
import type { InstallRequest } from './schemas/dependencies.ts';
import type { Sessions } from './sessions.ts';

export interface SessionDependenciesOptions {
  readonly sandboxes: Repository<Sandbox>;
  readonly sessions: Sessions;
  readonly clock: Clock;
}

/** A session that is not ready yet has to become so first, and a status takes its way. */
const GRACE_MS = 180_000;
const ATTEMPTS = 5;

/** What REST clients can do with the packages of a session that exists. */
export class SessionDependencies {
  readonly #options: SessionDependenciesOptions;

  constructor(options: SessionDependenciesOptions) {
    this.#options = options;
  }

  /** Has packages installed beside those that were asked for before, and answers when they are. What was asked for stays so when it fails. */
  async install(id: string, body: InstallRequest, context: RequestContext): Promise<Sandbox> {
    const wished = await this.#wish(id, body, context);
    const settled = await this.#settled(id, wished, context);
    if (installStateOf(settled) === 'completed') return settled;
    throw failureOf(id, settled);
  }

  /** Of two requests at once one finds that the other has changed the session, and then that it installs. */
  async #wish(id: string, body: InstallRequest, context: RequestContext): Promise<Sandbox> {
    const { sandboxes, sessions } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      const known = await sessions.get(id, context);
      const sandbox = (await sandboxes.fetch(known.metadata.name, context.signal)) ?? known;
      if (!isActive(sandbox))
        throw new ApiError('SessionNotActive', `Session is not active: ${id}`);
      if (isSuspended(sandbox))
        throw new ApiError('SessionSuspended', `Session is suspended: ${id}`);
      if (installStateOf(sandbox) === 'installing') throw inProgress(id);
      const patch = this.#patchOf(sandbox, body);
      try {
        return await sandboxes.merge(sandbox, patch, context.signal);
      } catch (error) {
        if (error instanceof NotFoundError) throw notFound(id, error);
        if (!(error instanceof ConflictError) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  #patchOf(sandbox: Sandbox, body: InstallRequest): object {
    const { packages, indexUrl, attempt } = sandbox.spec.dependencies;
    const runtime = inheritedOf(sandbox, this.#options.sessions.templateOf(sandbox))?.runtime;
    const index = body.python_package_index_url;
    const dependencies = {
      packages: mergedPackages(packages, packagesOf(body.dependencies, runtime)),
      // In a merge patch null takes it away.
      indexUrl: (index === undefined ? indexUrl : indexOf(index)) ?? null,
      attempt: attempt + 1,
    };
    return {
      metadata: { resourceVersion: sandbox.metadata.resourceVersion },
      spec: { dependencies },
    };
  }

  async #settled(
    id: string,
    wished: Sandbox,
    { signal, closing }: RequestContext,
  ): Promise<Sandbox> {
    const { sandboxes, clock } = this.#options;
    const { attempt } = wished.spec.dependencies;
    const ms = wished.spec.dependencies.installTimeoutSeconds * 1_000 + GRACE_MS;
    const reason = new ApiError('InstallNotSettled', `The installation goes on in session ${id}`);
    const until = (current: Sandbox): boolean => {
      // The cache may still have the session of before the wish, whose installation was over.
      const isBehind = current.spec.dependencies.attempt < attempt;
      return isEnded(current) || (!isBehind && installStateOf(current) !== 'installing');
    };
    try {
      return await withDeadline({ clock, ms, reason, signals: [signal, closing] }, (bounded) =>
        waitFor(sandboxes.cache, sandboxes.refTo(wished.metadata.name), { until, signal: bounded }),
      );
    } catch (error) {
      throw error instanceof ObjectDeletedError ? notFound(id, error) : error;
    }
  }
}

const HAS_NOT_ANSWERED = 'The sandbox did not finish the installation in time';

function failureOf(id: string, sandbox: Sandbox): ApiError {
  if (isEnded(sandbox)) return new ApiError('SessionNotActive', `Session is not active: ${id}`);
  const { reason, message = 'the installer gave no reason' } = sandbox.status?.dependencies ?? {};
  return reason === 'DependencyInstallTimeout'
    ? new ApiError('InstallNotSettled', `${HAS_NOT_ANSWERED}: ${message}`)
    : new ApiError('DependencyInstallFailed', message);
}

function inProgress(id: string): ApiError {
  const message = `Dependency installation already in progress for session: ${id}`;
  return new ApiError('DependencyInstallInProgress', message);
}

function notFound(id: string, cause: unknown): ApiError {
  return new ApiError('SessionNotFound', `Session not found: ${id}`, { cause });
}
