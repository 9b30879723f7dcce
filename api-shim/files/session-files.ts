import type { Readable } from 'node:stream';
import { ANNOTATION } from '../../crds/names.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import type { ExecutorClient, ExecutorFiles } from '../../executor/client.ts';
import type { Clock } from '../../kube/clock.ts';
import { NotFoundError } from '../../kube/errors.ts';
import { sleep } from '../../kube/sleep.ts';
import type { StoredWorkspaces } from '../../storage/workspaces/stored-workspaces.ts';
import { ApiError } from '../errors.ts';
import type { Executors } from '../executor-of.ts';
import { restIdOf } from '../names.ts';
import { isActive } from '../present-session.ts';
import type { Repository } from '../repository.ts';
import type { RequestContext } from '../request-context.ts';
import type { Sessions } from '../sessions.ts';
import { fileNotFound, ofFile } from './file-errors.ts';

export interface SessionFilesOptions {
  readonly sessions: Sessions;
  readonly sandboxes: Repository<Sandbox>;
  readonly executors: Executors;
  readonly executor: Pick<ExecutorClient, 'files'>;
  /** Absent: files live and end with their pods. */
  readonly stored: StoredWorkspaces | undefined;
  readonly clock: Clock;
}

export interface FileInfo {
  readonly path: string;
  readonly size: number;
  readonly version: string;
  readonly modifiedAt: string;
}

/** One version of a file, wherever it is. */
export interface FoundFile extends FileInfo {
  /** Bytes of it, both ends included; absent: all. */
  open(range?: { readonly start: number; readonly end: number }): Promise<Readable>;
  /** A link for a client; undefined: the store can't give one, or has another version. */
  link(disposition: string): Promise<string | undefined>;
}

const LINK_SECONDS = 3_600;
/** A large file that was just written is stored within moments, and its link is worth waiting for. */
const STORE_LOOKS_MS = [50, 100, 200, 400, 800, 1_600];

/** What REST clients can do with the files of sessions: of live ones their pods have them, of others the store. */
export class SessionFiles {
  readonly #options: SessionFilesOptions;

  constructor(options: SessionFilesOptions) {
    this.#options = options;
  }

  /** Throws UnknownSession. */
  async list(sessionId: string, context: RequestContext): Promise<readonly FileInfo[]> {
    const sandbox = await this.#known(sessionId, context);
    const live = await this.#live(sandbox, context);
    if (live !== undefined) return (await live.listing({ signal: context.signal })).files;
    const { files } = await this.#store(sandbox).manifest(sandbox.metadata.uid, context.signal);
    return files;
  }

  /** Throws SessionNotFound or FileNotFound. */
  async find(sessionId: string, path: string, context: RequestContext): Promise<FoundFile> {
    const sandbox = await this.#options.sessions.get(sessionId, context);
    const live = await this.#live(sandbox, context);
    return ofFile(path, () =>
      live === undefined
        ? this.#findStored(sandbox, path, context)
        : this.#findLive({ sandbox, files: live }, path, context),
    );
  }

  /** The files of a session that can be written to. Throws UnknownSession, InactiveSession, SessionSuspended or SessionNotReady. */
  async writable(sessionId: string, context: RequestContext): Promise<WritableFiles> {
    const sandbox = await this.#known(sessionId, context);
    if (!isActive(sandbox))
      throw new ApiError('InactiveSession', `Session is not active: ${sessionId}`);
    const { executors, executor } = this.#options;
    const { requestId } = context;
    const target = await executors.require(sandbox, context.signal);
    const files = executor.files({ ...target, requestId });
    const { signal } = context;
    return {
      write: async (path, content, size) => {
        await ofFile(path, () => files.write(path, content, { size, signal }));
        await this.#noteChange(sandbox, signal);
      },
      remove: async (path) => {
        await ofFile(path, () => files.remove(path, { signal }));
        await this.#noteChange(sandbox, signal);
      },
    };
  }

  async #known(sessionId: string, { signal }: RequestContext): Promise<Sandbox> {
    const sandbox = await this.#options.sessions.findAny(sessionId, signal);
    if (sandbox !== undefined) return sandbox;
    throw new ApiError('UnknownSession', `Session not found: ${sessionId}`);
  }

  async #live(
    sandbox: Sandbox,
    { signal, requestId }: RequestContext,
  ): Promise<ExecutorFiles | undefined> {
    const { executors, executor, stored } = this.#options;
    const reach = await executors.of(sandbox, signal);
    if (reach.state === 'live') return executor.files({ ...reach.target, requestId });
    // While its pod is replaced, the store has what there is.
    if (reach.state === 'starting' && stored === undefined)
      await executors.require(sandbox, signal);
    return undefined;
  }

  #store(sandbox: Sandbox): StoredWorkspaces {
    const { stored } = this.#options;
    if (stored !== undefined) return stored;
    const { name } = sandbox.metadata;
    throw new ApiError('FilesNotKept', `The files of session ${name} went with its sandbox`);
  }

  async #findLive(
    { sandbox, files }: { readonly sandbox: Sandbox; readonly files: ExecutorFiles },
    path: string,
    { signal }: RequestContext,
  ): Promise<FoundFile> {
    const head = await files.head(path, { signal });
    if (head === undefined) throw fileNotFound(path);
    const { size, version, modifiedAt } = head;
    return {
      ...{ path, size, version, modifiedAt: modifiedAt.toISOString() },
      open: (range) =>
        ofFile(path, async () => {
          const { head: now, content } = await files.read(path, { signal, range });
          return theSame({ content, isSame: now.version === version && now.size === size, path });
        }),
      link: (disposition) => this.#linkOnceStored(sandbox, { path, version, disposition }, signal),
    };
  }

  async #findStored(
    sandbox: Sandbox,
    path: string,
    { signal }: RequestContext,
  ): Promise<FoundFile> {
    const { uid } = sandbox.metadata;
    const stored = this.#store(sandbox);
    const { files } = await stored.manifest(uid, signal);
    const file = files.find((each) => each.path === path);
    if (file === undefined) throw fileNotFound(path);
    return {
      ...file,
      open: (range) =>
        ofFile(path, async () => {
          const options = range === undefined ? { signal } : { signal, range };
          const { head: now, content } = await stored.openFile(uid, path, options);
          return theSame({ content, isSame: now.size === file.size, path });
        }),
      link: (disposition) =>
        stored.presign(uid, path, { expiresInSeconds: LINK_SECONDS, disposition }),
    };
  }

  /** Undefined also where the store is away: then the bytes come from the pod. */
  async #linkOnceStored(
    { metadata: { uid } }: Sandbox,
    wanted: { readonly path: string; readonly version: string; readonly disposition: string },
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { stored, clock } = this.#options;
    const { path, version, disposition } = wanted;
    const options = { expiresInSeconds: LINK_SECONDS, disposition };
    const link = await stored?.presign(uid, path, options).catch(() => undefined);
    if (stored === undefined || link === undefined) return undefined;
    for (const delayMs of STORE_LOOKS_MS) {
      const { files } = await stored.manifest(uid, signal).catch(() => ({ files: [] }));
      if (files.some((file) => file.path === path && file.version === version)) return link;
      await sleep(clock, delayMs, signal);
    }
    return undefined;
  }

  /** Has the operator store what changed: one write of the object, however large the files. */
  async #noteChange(sandbox: Sandbox, signal: AbortSignal): Promise<void> {
    const { stored, sandboxes, clock } = this.#options;
    if (stored === undefined) return;
    const annotations = { [ANNOTATION.filesChangedAt]: new Date(clock.now()).toISOString() };
    try {
      const noted = await sandboxes.merge(sandbox, { metadata: { annotations } }, signal);
      refuseGivenUp(sandbox, noted);
    } catch (error) {
      // It was deleted meanwhile, and its files with it.
      if (!(error instanceof NotFoundError)) throw error;
    }
  }
}

/** Its pod was given up while it was written to, and what came last is not stored. */
function refuseGivenUp(before: Sandbox, after: Sandbox): void {
  if (before.status?.suspensions === after.status?.suspensions) return;
  const message = `Session was suspended meanwhile: ${restIdOf(before)}`;
  throw new ApiError('SessionSuspended', message);
}

/** What was announced is what must come: bytes beyond that would be read as another answer. Throws Conflict. */
function theSame(found: {
  readonly content: Readable;
  readonly isSame: boolean;
  readonly path: string;
}): Readable {
  if (found.isSame) return found.content;
  found.content.destroy();
  throw new ApiError('Conflict', `The file is being written: ${found.path}`);
}

export interface WritableFiles {
  /** `size`: exactly so many bytes will come; undefined: nobody knows. */
  write(path: string, content: Readable, size: number | undefined): Promise<void>;
  remove(path: string): Promise<void>;
}
