import path from 'node:path';
import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import { findUv } from '../../executor/fetch-uv.ts';
import type { LocalConfig } from '../config.ts';
import type { Installation } from '../installation.ts';
import { findDocker, type DockerEngine } from './docker-engine.ts';
import { createDockerRunner } from './docker-runner.ts';
import { socketsFit } from './executor-sockets.ts';
import type { PodRunner } from './pod-runner.ts';
import { createProcessRunner } from './process-runner.ts';
import { RunnerUnavailableError } from './runner-error.ts';

export interface ChooseRunnerOptions {
  readonly installation: Pick<
    Installation,
    'folder' | 'id' | 'executor' | 'workspaces' | 'dependencies' | 'uv'
  >;
  /** SANDBOX_RUNNER. */
  readonly wanted: LocalConfig['runner'];
  /** DOCKER_HOST, XDG_RUNTIME_DIR, PATH. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface ChosenRunner {
  readonly runner: PodRunner;
  /** Why this one, and how to get the better one, in one line for a person. */
  readonly reason: string;
}

/**
 * Docker where an engine of this machine answers, else processes, unless one is asked for by name. Makes a runner without touching
 * what runs already. Throws a `RunnerUnavailableError` if none, or not the wanted one, can work.
 */
export async function chooseRunner(options: ChooseRunnerOptions): Promise<ChosenRunner> {
  const { wanted } = options;
  if (wanted === 'process') {
    return {
      runner: await processRunner(options),
      reason: 'SANDBOX_RUNNER=process: sandboxes run as processes.',
    };
  }
  const engine = await findDocker(options.env);
  if (engine.found) return await dockerChosen(options, engine.socketPath);
  if (wanted === 'docker')
    throw new RunnerUnavailableError(`SANDBOX_RUNNER=docker, but ${engine.reason}`);
  return await fallenBack(options, engine);
}

async function dockerChosen(
  options: ChooseRunnerOptions,
  socketPath: string,
): Promise<ChosenRunner> {
  const { installation, clock, logger } = options;
  const runFolder = runFolderOf(installation);
  const runner = await createDockerRunner({
    socketPath,
    installation: installation.id,
    runFolder,
    clock,
    logger,
  });
  return { runner, reason: `Docker answers at ${socketPath}: sandboxes run as containers.` };
}

async function fallenBack(
  options: ChooseRunnerOptions,
  engine: DockerEngine & { found: false },
): Promise<ChosenRunner> {
  try {
    const runner = await processRunner(options);
    return { runner, reason: `${engine.reason}; sandboxes run as processes instead.` };
  } catch (error) {
    if (!(error instanceof RunnerUnavailableError)) throw error;
    throw new RunnerUnavailableError(`${engine.reason}, and ${error.message}`, { cause: error });
  }
}

async function processRunner({
  installation,
  clock,
  logger,
}: ChooseRunnerOptions): Promise<PodRunner> {
  return await createProcessRunner({
    installation: installation.id,
    runFolder: runFolderOf(installation),
    workspaceFolder: installation.workspaces,
    executorFolder: installation.executor,
    dependenciesFolder: installation.dependencies,
    uv: findUv(installation.uv),
    clock,
    logger,
  });
}

/** In the state folder if a socket's path there is short enough; else in the system's shortest folder, private all the same. */
function runFolderOf({ folder, id }: Pick<Installation, 'folder' | 'id'>): string {
  const own = path.join(folder, 'run');
  return socketsFit(own) ? own : path.join('/tmp', `sandbox-${id}`);
}
