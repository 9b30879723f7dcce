import { ExecutorError } from '../../executor/client.ts';
import type {
  EventsOptions,
  ExecutorClient,
  ExecutorTarget,
  IndexHandler,
  WaitOptions,
} from '../../executor/client.ts';
import type {
  Activity,
  DependenciesState,
  ExecutionState,
  FinalState,
  Health,
  OutputEvent,
  InstallRequest,
  StartRequest,
  Usage,
} from '../../executor/contract.ts';
import { EventBuffer } from '../../executor/event-buffer.ts';
import type { Clock } from '../../kube/clock.ts';
import { FakeFiles } from './files.ts';

/** What a run comes to; `hangs`: nothing, until the test ends it. */
export type Script = (request: StartRequest, id: string) => Partial<FinalState> | 'hangs';

/** What an installation comes to; `hangs`: nothing, until the test ends it. */
export type InstallScript = (request: InstallRequest) => Partial<DependenciesState> | 'hangs';

interface Install {
  state: DependenciesState;
  readonly over: PromiseWithResolvers<void>;
}

interface Run {
  state: ExecutionState;
  readonly events: EventBuffer;
  readonly waiting: Set<() => void>;
}

interface Daemon {
  /** Answers at all. */
  isUp: boolean;
  network: Health['network'];
  readonly runs: Map<string, Run>;
  readonly installs: Map<string, Install>;
  lastActivityAt: number;
  readonly hungUp: Set<() => void>;
}

/** The executors of all pods, played from a script. They keep the promises of the contract; when they live and answer is the test's to say. */
export class FakeExecutors implements ExecutorClient {
  /** Every start of user code, in order: the same execution must never be in it twice. */
  readonly starts: { readonly podUID: string; readonly id: string }[] = [];
  readonly cancelled: string[] = [];
  /** Pods whose executor was asked in vain, in order. */
  readonly unanswered: string[] = [];
  script: Script = () => ({});
  /** Streams of events that are being read. */
  readers = 0;
  /** Every installation that began, in order. */
  readonly installs: { readonly podUID: string; readonly request: InstallRequest }[] = [];
  installScript: InstallScript = () => ({});
  /** What every pod says that it uses. */
  consumption: Health['usage'];
  readonly #watchers = new Set<() => void>();
  readonly #clock: Clock;
  readonly #daemons = new Map<string, Daemon>();
  readonly #workspaces = new Map<string, FakeFiles>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The container of the pod runs, with a daemon that knows of nothing. */
  start(podUID: string): void {
    const lastActivityAt = this.#clock.now();
    const network = 'closed';
    const hungUp = new Set<() => void>();
    const [runs, installs] = [new Map<string, Run>(), new Map<string, Install>()];
    this.#daemons.set(podUID, { isUp: true, network, runs, installs, hungUp, lastActivityAt });
  }

  /** The pod reaches what its NetworkPolicy forbids, or does so no more. */
  setNetwork(podUID: string, network: Health['network']): void {
    const daemon = this.#daemons.get(podUID);
    if (daemon !== undefined) daemon.network = network;
  }

  /** It stops answering, as a crashed one does; who waits for an answer gets a broken connection. */
  silence(podUID: string): void {
    const daemon = this.#daemons.get(podUID);
    if (daemon === undefined) return;
    daemon.isUp = false;
    for (const hangUp of daemon.hungUp) hangUp();
  }

  /** The answering daemon that was silenced. */
  wake(podUID: string): void {
    const daemon = this.#daemons.get(podUID);
    if (daemon !== undefined) daemon.isUp = true;
  }

  isUp(podUID: string): boolean {
    return this.#daemons.get(podUID)?.isUp ?? false;
  }

  /** Somebody reads a file. */
  use(podUID: string): void {
    const daemon = this.#daemons.get(podUID);
    if (daemon !== undefined) daemon.lastActivityAt = this.#clock.now();
  }

  /** A hanging run ends. */
  finish(id: string, outcome: Partial<FinalState> = {}): void {
    for (const daemon of this.#daemons.values()) {
      const run = daemon.runs.get(id);
      if (run?.state.phase === 'Running') this.#end(daemon, run, outcome);
    }
  }

  /** A running execution prints. */
  print(id: string, text: string, stream: 'stdout' | 'stderr' = 'stdout'): void {
    for (const { runs } of this.#daemons.values())
      runs.get(id)?.events.push(stream, Buffer.from(text));
  }

  /** It no longer holds what became of this run. */
  forgetRun(id: string): void {
    for (const { runs } of this.#daemons.values()) runs.delete(id);
  }

  /** Resolves when `holds` does; it is looked at whenever something happened here. */
  async until(holds: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!holds()) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  #happened(): void {
    for (const look of [...this.#watchers]) look();
  }

  async run(
    target: ExecutorTarget,
    id: string,
    request: StartRequest,
    options: WaitOptions,
  ): Promise<ExecutionState> {
    const daemon = await this.#reach(target);
    if (!daemon.runs.has(id)) this.#begin(daemon, { id, podUID: target.podUID, request });
    return this.#answer(daemon, id, options);
  }

  async state(target: ExecutorTarget, id: string, options: WaitOptions): Promise<ExecutionState> {
    return this.#answer(await this.#reach(target), id, options);
  }

  async cancel(target: ExecutorTarget, id: string): Promise<ExecutionState> {
    const daemon = await this.#reach(target);
    const run = runOf(daemon, id);
    if (run.state.phase === 'Running') {
      this.cancelled.push(id);
      this.#happened();
      this.#end(daemon, run, { phase: 'Cancelled', reason: 'Cancelled', exitCode: 143 });
    }
    return run.state;
  }

  async *events(
    target: ExecutorTarget,
    id: string,
    { from, waitMs, signal }: EventsOptions,
  ): AsyncGenerator<OutputEvent> {
    const daemon = await this.#reach(target);
    const broken = new AbortController();
    const hangUp = (): void => {
      broken.abort();
    };
    daemon.hungUp.add(hangUp);
    this.readers += 1;
    this.#happened();
    try {
      const either = AbortSignal.any([signal, broken.signal]);
      yield* follow(await this.#begun(daemon, id, { waitMs, signal: either }), from, either);
      if (broken.signal.aborted) throw unreachable({ nothingSent: false });
      if (signal.aborted) throw new ExecutorError('Aborted', 'given up', { retryable: false });
    } finally {
      daemon.hungUp.delete(hangUp);
      this.readers -= 1;
      this.#happened();
    }
  }

  async #begun(daemon: Daemon, id: string, { waitMs, signal }: WaitOptions): Promise<Run> {
    let isLate = waitMs === 0 || signal?.aborted === true;
    const giveUp = (): void => {
      isLate = true;
      this.#happened();
    };
    const cancelTimer = isLate ? undefined : this.#clock.schedule(giveUp, waitMs);
    signal?.addEventListener('abort', giveUp);
    await this.until(() => isLate || daemon.runs.has(id));
    signal?.removeEventListener('abort', giveUp);
    cancelTimer?.();
    if (signal?.aborted === true) throw unreachable({ nothingSent: false });
    return runOf(daemon, id);
  }

  async health(target: ExecutorTarget): Promise<Health> {
    const { network } = await this.#reach(target);
    const usage = this.consumption;
    const health = { status: 'ok', version: 'fake', uptimeMs: 1, network } as const;
    return { ...health, languages: ['python'], ...(usage && { usage }) };
  }

  async activity(target: ExecutorTarget): Promise<Activity> {
    const daemon = await this.#reach(target);
    const running = [...daemon.runs.values()].filter(({ state }) => state.phase === 'Running');
    return {
      lastActivityAt: new Date(daemon.lastActivityAt).toISOString(),
      runningExecutions: running.length,
    };
  }

  async usage(target: ExecutorTarget): Promise<Usage> {
    await this.#reach(target);
    const workspace = { bytes: 4_096, entries: 1, complete: true };
    return { cpuMs: 1_500, memoryBytes: 33_554_432, processes: 4, workspace };
  }

  async install(
    target: ExecutorTarget,
    id: string,
    request: InstallRequest,
    options: WaitOptions,
  ): Promise<DependenciesState> {
    const daemon = await this.#reach(target);
    const install = daemon.installs.get(id) ?? this.#beginInstall(daemon, { id, target, request });
    if (install.state.phase === 'Installing') await this.#untilInstalled(daemon, install, options);
    options.signal?.throwIfAborted();
    return install.state;
  }

  /** A hanging installation ends. */
  finishInstall(end: Partial<DependenciesState> = {}): void {
    for (const { installs } of this.#daemons.values()) {
      for (const install of installs.values()) {
        if (install.state.phase === 'Installing') this.#endInstall(install, end);
      }
    }
  }

  #beginInstall(
    daemon: Daemon,
    { id, target, request }: { id: string; target: ExecutorTarget; request: InstallRequest },
  ): Install {
    this.installs.push({ podUID: target.podUID, request });
    const startedAt = new Date(this.#clock.now()).toISOString();
    const install: Install = {
      state: { id, phase: 'Installing', installed: [], location: '/opt/dependencies', startedAt },
      over: Promise.withResolvers(),
    };
    daemon.installs.set(id, install);
    const end = this.installScript(request);
    if (end !== 'hangs') this.#endInstall(install, end);
    this.#happened();
    return install;
  }

  #endInstall(install: Install, end: Partial<DependenciesState>): void {
    const finishedAt = new Date(this.#clock.now()).toISOString();
    install.state = { ...install.state, phase: 'Installed', finishedAt, ...end };
    install.over.resolve();
  }

  async #untilInstalled(
    daemon: Daemon,
    install: Install,
    { waitMs, signal }: WaitOptions,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const wake = (): void => {
      resolve(undefined);
    };
    const cancelTimer = this.#clock.schedule(wake, waitMs);
    const hangUp = (): void => {
      reject(unreachable({ nothingSent: false }));
    };
    daemon.hungUp.add(hangUp);
    signal?.addEventListener('abort', wake);
    void install.over.promise.then(wake);
    await promise.finally(() => {
      cancelTimer();
      daemon.hungUp.delete(hangUp);
    });
  }

  /** Lent as long as it is wanted; nobody here asks it anything. */
  async lendIndex(
    target: ExecutorTarget,
    _index: IndexHandler,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#reach(target);
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => {
        resolve();
      });
    });
  }

  files({ podUID }: ExecutorTarget): FakeFiles {
    return this.workspace(podUID);
  }

  /** What is in the workspace of a pod; a new container begins with nothing. */
  workspace(podUID: string): FakeFiles {
    const known = this.#workspaces.get(podUID);
    if (known !== undefined) return known;
    const reach = (): Promise<unknown> => this.#reach({ podUID });
    const files = new FakeFiles(reach);
    this.#workspaces.set(podUID, files);
    return files;
  }

  forget(): void {
    // Keeps no connections.
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** As over a network: never in the same turn of the event loop. */
  async #reach({ podUID }: Pick<ExecutorTarget, 'podUID'>): Promise<Daemon> {
    await new Promise((resolve) => setImmediate(resolve));
    const daemon = this.#daemons.get(podUID);
    if (daemon?.isUp !== true) {
      this.unanswered.push(podUID);
      this.#happened();
      throw unreachable({ nothingSent: true });
    }
    return daemon;
  }

  #begin(
    daemon: Daemon,
    { id, podUID, request }: { id: string; podUID: string; request: StartRequest },
  ): void {
    this.starts.push({ podUID, id });
    this.#happened();
    daemon.lastActivityAt = this.#clock.now();
    const startedAt = new Date(this.#clock.now()).toISOString();
    const run: Run = {
      state: { id, phase: 'Running', startedAt },
      events: new EventBuffer({ bytes: 524_288, events: 4_096 }),
      waiting: new Set(),
    };
    daemon.runs.set(id, run);
    this.#happened();
    const outcome = this.script(request, id);
    if (outcome !== 'hangs') this.#end(daemon, run, outcome);
  }

  #end(daemon: Daemon, run: Run, outcome: Partial<FinalState>): void {
    daemon.lastActivityAt = this.#clock.now();
    const finishedAt = new Date(this.#clock.now()).toISOString();
    const { id, startedAt } = run.state;
    run.state = { ...COMPLETED, id, startedAt, finishedAt, ...outcome };
    run.events.end(run.state.phase);
    for (const wake of run.waiting) wake();
  }

  async #answer(daemon: Daemon, id: string, options: WaitOptions): Promise<ExecutionState> {
    const run = runOf(daemon, id);
    if (run.state.phase === 'Running' && options.waitMs > 0)
      await this.#untilEnd(daemon, run, options);
    options.signal?.throwIfAborted();
    return run.state;
  }

  async #untilEnd(daemon: Daemon, run: Run, { waitMs, signal }: WaitOptions): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const settle = (end: () => void) => (): void => {
        cancelTimer();
        run.waiting.delete(wake);
        daemon.hungUp.delete(hangUp);
        signal?.removeEventListener('abort', wake);
        end();
      };
      const wake = settle(resolve);
      const hangUp = settle(() => {
        reject(unreachable({ nothingSent: false }));
      });
      const cancelTimer = this.#clock.schedule(wake, waitMs);
      run.waiting.add(wake);
      daemon.hungUp.add(hangUp);
      signal?.addEventListener('abort', wake);
    });
  }
}

async function* follow(
  { events }: Run,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<OutputEvent> {
  for (let next = from; !signal.aborted;) {
    const batch = events.read(next, 64);
    for (const event of batch) {
      next = event.n + 1;
      yield event;
    }
    if (batch.length > 0) continue;
    if (events.ended) return;
    await events.changed(signal);
  }
}

const COMPLETED = {
  phase: 'Completed',
  reason: 'Completed',
  exitCode: 0,
  stdout: { text: '', bytes: 0, truncated: false },
  stderr: { text: '', bytes: 0, truncated: false },
  metrics: { durationMs: 1 },
} as const;

function runOf(daemon: Daemon, id: string): Run {
  const run = daemon.runs.get(id);
  if (run === undefined) {
    throw new ExecutorError('NotFound', `no execution ${id}`, { retryable: false });
  }
  return run;
}

function unreachable({ nothingSent }: { nothingSent: boolean }): ExecutorError {
  const options = { retryable: true, nothingSent };
  return new ExecutorError('Unreachable', 'the executor does not answer', options);
}
