import pLimit from 'p-limit';
import type { ExecutorClient, ExecutorTarget } from '../../executor/client.ts';
import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import { retry } from '../../kube/retry.ts';
import { StoreError } from '../../storage/objects/errors.ts';
import type { StoredWorkspaces } from '../../storage/workspaces/stored-workspaces.ts';
import { restoreWorkspace, storeWorkspace } from './transfer.ts';
import type { Transferred } from './transfer.ts';

/** Why a workspace may hold what is not stored: this process sees it first, a client changed files, a run did, or it ends. */
export type StoreCause = 'seen' | 'files' | 'run' | 'end';
type Causes = Readonly<Partial<Record<StoreCause, string>>>;

/** The files of one pod's sandbox as this process looks after them. Lost with the process: one comparison with the store brings it back. */
export interface WorkspaceView {
  /** The last value of each cause that was asked to be stored. */
  readonly asked: Causes;
  /** The same, of what is stored by now. */
  readonly stored: Causes;
  /** What is stored came into this pod. */
  readonly restored?: Transferred;
  /** Files that could not be stored, whatever is tried. */
  readonly left: number;
  /** Since when the store could not be reached for this sandbox; absent while it can. */
  readonly failingSince?: number;
  /** What is wrong, for people. */
  readonly problem?: string;
}

/** How far the removal of everything that is stored of a sandbox is. */
export interface Removal {
  readonly isDone: boolean;
  /** What is wrong, for people. */
  readonly problem?: string;
}

export interface WorkspaceOrder {
  readonly sandboxUID: string;
  /** The sandbox's key: what to have reconciled. */
  readonly key: string;
  readonly target: ExecutorTarget;
  /** What a session may have stored. */
  readonly limitBytes: number;
}

export interface WorkspacesOptions {
  readonly executor: Pick<ExecutorClient, 'files'>;
  readonly stored: StoredWorkspaces;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  /** Says "look at this sandbox again". */
  readonly enqueue: (key: string) => void;
}

/** Sandboxes whose files are on their way at once. */
const AT_ONCE = 8;
const BACKOFF = { baseMs: 250, maxMs: 15_000 };
const UNKNOWN: WorkspaceView = { asked: {}, stored: {}, left: 0 };

class Entry {
  view: WorkspaceView = UNKNOWN;
  order: WorkspaceOrder;
  wantsRestore = false;
  /** Somebody sees to it, until nothing is left to do. */
  isWorkedOn = false;
  readonly controller = new AbortController();

  constructor(order: WorkspaceOrder) {
    this.order = order;
  }
}

/**
 * Stores and restores workspaces outside the reconcile workers: few at a time, again and again until it worked, and has the sandbox reconciled
 * when something became known. It decides nothing.
 */
export class Workspaces {
  readonly #options: WorkspacesOptions;
  /** By the UID of the pod. */
  readonly #entries = new Map<string, Entry>();
  readonly #removals = new Map<string, Removal>();
  readonly #turns = pLimit(AT_ONCE);
  readonly #stopped = new AbortController();
  /** Whose files every transfer is about that goes on, also of pods that were forgotten. */
  readonly #works = new Map<Promise<void>, string>();

  constructor(options: WorkspacesOptions) {
    this.#options = options;
  }

  view(podUID: string): WorkspaceView {
    return this.#entries.get(podUID)?.view ?? UNKNOWN;
  }

  /** Stores what the workspace holds now or later; one comparison serves all who asked before it began. */
  store(order: WorkspaceOrder, cause: StoreCause, value: string): void {
    const entry = this.#entry(order);
    if (entry.view.asked[cause] === value) return;
    entry.view = { ...entry.view, asked: { ...entry.view.asked, [cause]: value } };
    this.#work(entry);
  }

  /** A new sandbox's workspace holds nothing yet. */
  adopt(order: WorkspaceOrder, value: string): void {
    const entry = this.#entry(order);
    const { asked, stored } = entry.view;
    entry.view = {
      ...entry.view,
      asked: { ...asked, seen: value },
      stored: { ...stored, seen: value },
    };
  }

  restore(order: WorkspaceOrder): void {
    const entry = this.#entry(order);
    if (entry.wantsRestore || entry.view.restored !== undefined) return;
    entry.wantsRestore = true;
    this.#work(entry);
  }

  /** Removes everything that is stored of a sandbox, after what is on its way there. */
  remove(sandboxUID: string, key: string): void {
    if (this.#removals.has(sandboxUID)) return;
    this.#removals.set(sandboxUID, { isDone: false });
    void this.#remove(sandboxUID, key);
  }

  /** Undefined: nobody asked. */
  removal(sandboxUID: string): Removal | undefined {
    return this.#removals.get(sandboxUID);
  }

  /** Stops looking after the files of a pod that is gone or going. */
  forget(podUID: string): void {
    this.#entries.get(podUID)?.controller.abort();
    this.#entries.delete(podUID);
  }

  forgetSandbox(sandboxUID: string): void {
    this.#removals.delete(sandboxUID);
  }

  stop(): void {
    this.#stopped.abort();
    for (const podUID of [...this.#entries.keys()]) this.forget(podUID);
  }

  #entry(order: WorkspaceOrder): Entry {
    const { podUID } = order.target;
    const entry = this.#entries.get(podUID) ?? new Entry(order);
    entry.order = order;
    this.#entries.set(podUID, entry);
    return entry;
  }

  #work(entry: Entry): void {
    if (entry.isWorkedOn) return;
    entry.isWorkedOn = true;
    const work = this.#loop(entry).finally(() => this.#works.delete(work));
    this.#works.set(work, entry.order.sandboxUID);
  }

  async #loop(entry: Entry): Promise<void> {
    const { signal } = entry.controller;
    const transfer = (): Promise<void> =>
      this.#turns(() => (entry.wantsRestore ? this.#restore(entry) : this.#store(entry)));
    while (!signal.aborted && isWanting(entry)) {
      await retry(transfer, {
        ...this.#options,
        backoff: BACKOFF,
        signal,
        onFailure: (error) => {
          this.#noteFailure(entry, error);
        },
      });
    }
    // In the turn that found nothing more to do: a wish that comes in the next one begins anew.
    entry.isWorkedOn = false;
  }

  async #store(entry: Entry): Promise<void> {
    const { asked } = entry.view;
    const { left } = await storeWorkspace(this.#context(entry));
    const before = entry.view;
    entry.view = { ...healthy(before), stored: asked, left };
    const isNews = before.failingSince !== undefined || before.left !== left;
    if (isNews || asked.end !== before.stored.end) this.#options.enqueue(entry.order.key);
  }

  async #restore(entry: Entry): Promise<void> {
    const restored = await restoreWorkspace(this.#context(entry));
    entry.wantsRestore = false;
    entry.view = { ...healthy(entry.view), restored };
    this.#options.enqueue(entry.order.key);
  }

  #context({ order, controller }: Entry): Parameters<typeof storeWorkspace>[0] {
    const { executor, stored } = this.#options;
    const { target, sandboxUID: id, limitBytes } = order;
    return { files: executor.files(target), stored, id, limitBytes, signal: controller.signal };
  }

  /** The executor's silence is the monitor's to judge; what is told here is that files are not where they should be. */
  #noteFailure(entry: Entry, error: unknown): void {
    const { clock, logger, enqueue } = this.#options;
    const { view, order } = entry;
    logger.debug('could not transfer a workspace', { sandbox: order.key, error });
    entry.view = {
      ...view,
      failingSince: view.failingSince ?? clock.now(),
      problem: problemOf(error),
    };
    if (view.failingSince === undefined) enqueue(order.key);
  }

  async #remove(sandboxUID: string, key: string): Promise<void> {
    const { stored, enqueue } = this.#options;
    for (const [podUID, { order }] of [...this.#entries])
      if (order.sandboxUID === sandboxUID) this.forget(podUID);
    const onTheirWay = [...this.#works].filter(([, uid]) => uid === sandboxUID);
    await Promise.all(onTheirWay.map(([work]) => work));
    const { signal } = this.#stopped;
    const note = (removal: Removal): void => {
      this.#removals.set(sandboxUID, removal);
      enqueue(key);
    };
    const removeAll = async (): Promise<void> => {
      await this.#turns(() => stored.removeAll(sandboxUID, signal));
      note({ isDone: true });
    };
    await retry(removeAll, {
      ...this.#options,
      backoff: BACKOFF,
      signal,
      onFailure: (error) => {
        note({ isDone: false, problem: problemOf(error) });
      },
    });
  }
}

function isWanting({ wantsRestore, view: { asked, stored } }: Entry): boolean {
  const causes: readonly StoreCause[] = ['seen', 'files', 'run', 'end'];
  return wantsRestore || causes.some((cause) => asked[cause] !== stored[cause]);
}

function healthy({
  failingSince: _since,
  problem: _problem,
  ...view
}: WorkspaceView): WorkspaceView {
  return view;
}

/** Words of our own: those of others may be anybody's. */
function problemOf(error: unknown): string {
  return error instanceof StoreError ? error.message : 'the files could not be transferred';
}
