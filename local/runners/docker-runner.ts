import Docker from 'dockerode';
import { z } from 'zod';
import type { ExecutorAddress } from '../../executor/client.ts';
import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import { containerLimits } from './container-limits.ts';
import { containerName, containerSpec, DOCKER_LABEL } from './container-spec.ts';
import { exitReason } from './container-exit.ts';
import { inspect, lastWords, remove } from './docker-container.ts';
import { hasStatus, podStartError, unless } from './docker-errors.ts';
import { DockerEvents } from './docker-events.ts';
import { containerLog } from './docker-log.ts';
import { ExecutorSockets } from './executor-sockets.ts';
import type { LogOptions, PodExit, PodRunner, RunningPod, StartPod } from './pod-runner.ts';

export interface DockerRunnerOptions {
  /** The engine's socket. */
  readonly socketPath: string;
  /** Tells our containers and volumes from those of another installation on the same engine. */
  readonly installation: string;
  /** Private folder for the executors' sockets; its path must be short (`socketsFit`). */
  readonly runFolder: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

const CALL_TIMEOUT_MS = 60_000;
const engineInfo = z.object({ SecurityOptions: z.array(z.string()).default([]) });
const BEING_REMOVED: ReadonlySet<string> = new Set(['removing', 'dead']);
const REMOVED_BY_OTHERS = {
  exitCode: 137,
  reason: 'Error',
  message: 'its container was removed by someone else',
} as const;

/** Rejects if the engine does not answer. Touches nothing yet: exits are heard of from the first `onExit` on. */
export async function createDockerRunner(options: DockerRunnerOptions): Promise<PodRunner> {
  const docker = new Docker({ socketPath: options.socketPath, timeout: CALL_TIMEOUT_MS });
  const { SecurityOptions } = engineInfo.parse(await docker.info());
  const seccomp = SecurityOptions.some((option) => option.includes('name=seccomp'));
  return new DockerRunner(docker, options, seccomp);
}

/** One container per pod; the engine's labels are the only memory, so a restart finds everything again. */
class DockerRunner implements PodRunner {
  readonly name = 'docker';
  readonly isolation: string;
  readonly #docker: Docker;
  /** For what goes on for as long as it likes. */
  readonly #patient: Docker;
  readonly #installation: string;
  readonly #sockets: ExecutorSockets;
  readonly #events: DockerEvents;
  readonly #logger: Logger;
  readonly #listeners: ((exit: PodExit) => void)[] = [];
  /** Pods whose exit has not been told yet. */
  readonly #running = new Map<string, RunningPod>();
  /** Pods on their way up or down: what the engine says of them in between is no exit. */
  readonly #busy = new Set<string>();
  /** Containers that ended while their pod was busy. */
  readonly #missed = new Map<string, string>();
  readonly #endings = new Map<string, Promise<void>>();

  constructor(docker: Docker, options: DockerRunnerOptions, seccomp: boolean) {
    this.#docker = docker;
    this.#installation = options.installation;
    this.#logger = options.logger;
    this.#sockets = new ExecutorSockets(options.runFolder);
    this.isolation = isolationOf(seccomp);
    this.#patient = new Docker({ socketPath: options.socketPath });
    this.#events = new DockerEvents({
      docker: this.#patient,
      label: this.#label,
      onEnd: (end) => {
        this.#background(this.#ended(end.labels[DOCKER_LABEL.podUID] ?? '', end.containerID));
      },
      onConnected: () => {
        this.#background(this.list());
      },
      clock: options.clock,
      logger: options.logger,
    });
  }

  async start(request: StartPod): Promise<RunningPod> {
    const podUID = request.pod.metadata.uid;
    const known = this.#running.get(podUID);
    if (known !== undefined) return known;
    this.#busy.add(podUID);
    try {
      return await this.#create(request);
    } finally {
      this.#busy.delete(podUID);
      const ended = this.#missed.get(podUID);
      if (ended !== undefined) this.#background(this.#ended(podUID, ended));
    }
  }

  async stop(podUID: string): Promise<void> {
    this.#busy.add(podUID);
    try {
      await this.#clear(podUID, containerName(this.#installation, podUID));
      this.#running.delete(podUID);
    } finally {
      this.#busy.delete(podUID);
      this.#missed.delete(podUID);
    }
  }

  async list(): Promise<readonly RunningPod[]> {
    const containers = await this.#docker.listContainers({
      all: true,
      filters: { label: [this.#label] },
    });
    const seen = new Set<string>();
    await Promise.all(
      containers.map(async ({ Id, State, Created, Labels }) => {
        const podUID = Labels[DOCKER_LABEL.podUID] ?? '';
        seen.add(podUID);
        if (this.#busy.has(podUID)) return;
        if (State === 'running')
          await this.#adopt({
            podUID,
            containerID: containerID(Id),
            startedAt: timestamp(Created * 1000),
          });
        else await this.#ended(podUID, Id);
      }),
    );
    for (const podUID of this.#running.keys()) {
      if (!seen.has(podUID) && !this.#busy.has(podUID))
        await this.#ended(podUID, containerName(this.#installation, podUID));
    }
    await this.#sockets.keepOnly(() => [...this.#running.keys(), ...this.#busy]);
    return [...this.#running.values()];
  }

  onExit(listener: (exit: PodExit) => void): void {
    this.#listeners.push(listener);
    if (this.#listeners.length === 1) this.#events.start();
  }

  async logs(podUID: string, options: LogOptions): Promise<AsyncIterable<Buffer> | undefined> {
    const container = this.#patient.getContainer(containerName(this.#installation, podUID));
    try {
      return await containerLog(container, options);
    } catch (error) {
      if (hasStatus(error, 404, 409)) return undefined;
      throw error;
    }
  }

  address(podUID: string): ExecutorAddress {
    return this.#sockets.address(podUID);
  }

  async keepWorkspaces(workspaceIds: ReadonlySet<string>): Promise<void> {
    const { Volumes } = await this.#docker.listVolumes({ filters: { label: [this.#label] } });
    const unwanted = Volumes.filter(
      ({ Labels }) => !workspaceIds.has(Labels[DOCKER_LABEL.workspace] ?? ''),
    );
    await Promise.all(
      unwanted.map(({ Name }) => this.#docker.getVolume(Name).remove().catch(unless(404, 409))),
    );
  }

  /** Leaves the containers as they are, for the next process to adopt. */
  close(): Promise<void> {
    this.#events.close();
    this.#sockets.close();
    return Promise.resolve();
  }

  get #label(): string {
    return `${DOCKER_LABEL.installation}=${this.#installation}`;
  }

  async #create(request: StartPod): Promise<RunningPod> {
    const { uid } = request.pod.metadata;
    const place = {
      installation: this.#installation,
      limits: containerLimits(request.pod),
      socketFolder: await this.#sockets.provide(uid),
    };
    const name = containerName(this.#installation, uid);
    try {
      await this.#docker.createContainer(containerSpec(request, place)).catch(unless(409));
      const container = this.#docker.getContainer(name);
      // 409 came from a container that an earlier try made; one that ran and ended must not run again.
      const created = await container.inspect();
      if (created.State.Status === 'created') await container.start().catch(unless(304));
      return this.#known(uid, await container.inspect());
    } catch (error) {
      await this.#clear(uid, name).catch((cause: unknown) => {
        this.#logger.warn('could not clear away a failed start', { container: name, error: cause });
      });
      throw podStartError(error, request.pod.spec.containers[0]?.image ?? '');
    }
  }

  #known(podUID: string, { Id, State }: Docker.ContainerInspectInfo): RunningPod {
    const pod = { podUID, containerID: containerID(Id), startedAt: State.StartedAt };
    this.#running.set(podUID, pod);
    if (!State.Running) this.#missed.set(podUID, Id);
    return pod;
  }

  async #adopt(pod: RunningPod): Promise<void> {
    if (this.#running.has(pod.podUID)) return;
    this.#running.set(pod.podUID, pod);
    await this.#sockets.adopt(pod.podUID).catch((error: unknown) => {
      this.#logger.warn('the socket folder of a running container is gone', { ...pod, error });
    });
  }

  #ended(podUID: string, container: string): Promise<void> {
    if (this.#busy.has(podUID)) {
      this.#missed.set(podUID, container);
      return Promise.resolve();
    }
    const ending = this.#endings.get(podUID) ?? this.#end(podUID, container);
    this.#endings.set(podUID, ending);
    return ending;
  }

  /** Tells of an exit once and clears away what is left; also for containers that ended while nobody listened. */
  async #end(podUID: string, container: string): Promise<void> {
    try {
      const found = await inspect(this.#docker.getContainer(container));
      if (found?.State.Running === true) return;
      const exit = await this.#exitOf(podUID, found);
      this.#running.delete(podUID);
      this.#missed.delete(podUID);
      if (exit !== undefined) for (const listener of this.#listeners) listener(exit);
      await this.#clear(podUID, container);
    } finally {
      this.#endings.delete(podUID);
    }
  }

  /** Undefined where there is nothing to tell: it never ran (a crash cut its start short), or its exit has been told. */
  async #exitOf(
    podUID: string,
    found: Docker.ContainerInspectInfo | undefined,
  ): Promise<PodExit | undefined> {
    if (found === undefined || BEING_REMOVED.has(found.State.Status)) {
      return this.#running.has(podUID) ? { podUID, ...REMOVED_BY_OTHERS } : undefined;
    }
    const { Status, ExitCode, OOMKilled } = found.State;
    if (Status === 'created') return undefined;
    const reason = exitReason(ExitCode, OOMKilled);
    const message = await lastWords(this.#docker.getContainer(found.Id));
    return { podUID, exitCode: ExitCode, reason, message };
  }

  async #clear(podUID: string, container: string): Promise<void> {
    await remove(this.#docker.getContainer(container));
    await this.#sockets.remove(podUID);
  }

  #background(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      this.#logger.error('the Docker runner failed in the background', { error });
    });
  }
}

function containerID(id: string): string {
  return `docker://${id}`;
}

function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}

function isolationOf(seccomp: boolean): string {
  const missing = seccomp
    ? ''
    : ' This Docker engine has no seccomp, so system calls are NOT filtered.';
  return `Docker containers: uid 1000, no capabilities, no new privileges, ${seccomp ? 'seccomp, ' : ''}read-only root, no network, CPU, memory and process limits; the kernel is shared, the size of a workspace is not limited.${missing}`;
}
