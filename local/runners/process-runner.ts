import type { ExecutorAddress } from '../../executor/client.ts';
import { EXECUTOR_ENV } from '../../executor/environment.ts';
import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import type { SandboxCgroup } from './cgroups.ts';
import { exitReason } from './container-exit.ts';
import { containerLimits } from './container-limits.ts';
import { EXECUTOR_LISTEN, ExecutorSockets } from './executor-sockets.ts';
import {
  PodStartError,
  type LogOptions,
  type PodExit,
  type PodRunner,
  type RunningPod,
  type StartPod,
} from './pod-runner.ts';
import { WorkspaceFolders } from './process-files.ts';
import { findMeans, isolationOf, maxProcesses } from './process-means.ts';
import type { Means, MeansOptions } from './process-means.ts';
import { EXECUTOR_COMMAND, SANDBOX_PATH, sandboxMounts } from './sandbox-plan.ts';
import { SandboxProcess, type ProcessEnd } from './sandbox-process.ts';

export interface ProcessRunnerOptions extends MeansOptions {
  readonly workspaceFolder: string;
  /** For the packages of sandboxes. */
  readonly dependenciesFolder: string;
  /** The installer of Python packages; absent: the host's own, if there is one. */
  readonly uv?: string | undefined;
  /** Folder with executor.mjs (`executor/build.ts`). */
  readonly executorFolder: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A `RunnerUnavailableError` where this machine allows no isolation. */
export async function createProcessRunner(options: ProcessRunnerOptions): Promise<PodRunner> {
  return new ProcessRunner(options, await findMeans(options));
}

interface Sandbox {
  readonly pod: RunningPod;
  readonly process: SandboxProcess;
  readonly cgroup: SandboxCgroup | undefined;
  /** Its end is nobody's news. */
  stopped: boolean;
  /** Resolves when nothing is left of it. */
  cleared: Promise<void>;
}

/** One process tree per pod, in namespaces of its own. They end with this process, however it ends, so there is never anything to adopt. */
class ProcessRunner implements PodRunner {
  readonly name = 'process';
  readonly isolation: string;
  readonly #options: ProcessRunnerOptions;
  readonly #means: Means;
  readonly #sockets: ExecutorSockets;
  readonly #workspaces: WorkspaceFolders;
  readonly #dependencies: WorkspaceFolders;
  readonly #listeners: ((exit: PodExit) => void)[] = [];
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #starting = new Set<string>();

  constructor(options: ProcessRunnerOptions, means: Means) {
    this.#options = options;
    this.#means = means;
    this.#sockets = new ExecutorSockets(options.runFolder);
    this.#workspaces = new WorkspaceFolders(options.workspaceFolder, means.root);
    this.#dependencies = new WorkspaceFolders(options.dependenciesFolder, means.root);
    this.isolation = isolationOf(means);
  }

  async start(request: StartPod): Promise<RunningPod> {
    const { uid } = request.pod.metadata;
    const known = this.#sandboxes.get(uid);
    if (known !== undefined) return known.pod;
    this.#starting.add(uid);
    try {
      return await this.#start(request);
    } catch (error) {
      await this.#sockets.remove(uid);
      if (error instanceof PodStartError) throw error;
      const message = error instanceof Error ? error.message : String(error);
      throw new PodStartError('CreateContainerError', message, { cause: error, retryable: true });
    } finally {
      this.#starting.delete(uid);
    }
  }

  async stop(podUID: string): Promise<void> {
    const sandbox = this.#sandboxes.get(podUID);
    if (sandbox === undefined) return;
    sandbox.stopped = true;
    await sandbox.process.kill();
    await sandbox.cleared;
  }

  /** Of an earlier process nothing can be adopted: what its end left behind is cleared away. */
  async list(): Promise<readonly RunningPod[]> {
    if (this.#sandboxes.size === 0 && this.#starting.size === 0)
      await this.#means.cgroups?.removeAll();
    const known = (): string[] => [...this.#sandboxes.keys(), ...this.#starting];
    await this.#sockets.keepOnly(known);
    await this.#dependencies.keepOnly(new Set(known()));
    return [...this.#sandboxes.values()].map(({ pod }) => pod);
  }

  onExit(listener: (exit: PodExit) => void): void {
    this.#listeners.push(listener);
  }

  logs(podUID: string, options: LogOptions): Promise<AsyncIterable<Buffer> | undefined> {
    return Promise.resolve(this.#sandboxes.get(podUID)?.process.log.read(options));
  }

  address(podUID: string): ExecutorAddress {
    return this.#sockets.address(podUID);
  }

  async keepWorkspaces(workspaceIds: ReadonlySet<string>): Promise<void> {
    await this.#workspaces.keepOnly(workspaceIds);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sandboxes.keys()].map((podUID) => this.stop(podUID)));
    this.#sockets.close();
    await this.#means.cgroups?.close();
  }

  async #start(request: StartPod): Promise<RunningPod> {
    const { pod, workspaceId } = request;
    const { uid } = pod.metadata;
    const limits = containerLimits(pod);
    const { isolator, cgroups, common } = this.#means;
    const workspace = await this.#workspaces.provide(workspaceId);
    const dependencies = await this.#dependencies.provide(uid);
    await this.#sockets.remove(uid); // the socket of an executor that ended would be in the way of the next
    const socketFolder = await this.#sockets.provide(uid);
    const cgroup = await cgroups?.create(uid, limits);
    const sources = {
      node: process.execPath,
      executor: this.#options.executorFolder,
      etc: common.etc,
      workspace,
      dependencies,
      uv: this.#options.uv,
      socketFolder,
      cgroupMounts: cgroup?.mounts ?? [],
    };
    const plan = {
      mountPoint: common.mountPoint,
      hostname: (pod.spec.hostname ?? pod.metadata.name).slice(0, 63),
      mounts: sandboxMounts(sources, limits),
      command: EXECUTOR_COMMAND,
    };
    const sandbox = new SandboxProcess({
      command: isolator.command(plan),
      env: {
        LANG: 'C.UTF-8',
        ...request.env,
        [EXECUTOR_ENV.listen]: EXECUTOR_LISTEN,
        PATH: SANDBOX_PATH,
      },
      limits,
      maxProcesses: maxProcesses(this.#means, limits),
      entrances: cgroup?.entrances ?? [],
      now: () => this.#options.clock.now(),
    });
    return this.#register(uid, sandbox, cgroup);
  }

  #register(
    podUID: string,
    process: SandboxProcess,
    cgroup: SandboxCgroup | undefined,
  ): RunningPod {
    const startedAt = new Date(this.#options.clock.now()).toISOString();
    const pod = { podUID, containerID: `process://${String(process.pid)}`, startedAt };
    const sandbox: Sandbox = { pod, process, cgroup, stopped: false, cleared: Promise.resolve() };
    sandbox.cleared = this.#follow(sandbox);
    this.#sandboxes.set(podUID, sandbox);
    return pod;
  }

  /** Never rejects. */
  async #follow(sandbox: Sandbox): Promise<void> {
    const { podUID } = sandbox.pod;
    const { exitCode, lastWords } = await sandbox.process.ended.catch(
      (error: unknown): ProcessEnd => ({ exitCode: 128, lastWords: String(error) }),
    );
    try {
      const oomKilled = ((await sandbox.cgroup?.oomKills()) ?? 0) > 0;
      await sandbox.cgroup?.remove();
      await this.#sockets.remove(podUID);
      await this.#dependencies.remove(podUID);
      this.#sandboxes.delete(podUID);
      if (sandbox.stopped) return;
      const exit = {
        podUID,
        exitCode,
        reason: exitReason(exitCode, oomKilled),
        message: lastWords,
      };
      for (const listener of this.#listeners) listener(exit);
    } catch (error) {
      this.#options.logger.error('could not clear away a sandbox', { podUID, error });
    }
  }
}
