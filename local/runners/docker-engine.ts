import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import Docker from 'dockerode';
import { z } from 'zod';

/** Either the socket of an engine that answers, or one line that says why there is none and how to mend it. */
export type DockerEngine =
  | { readonly found: true; readonly socketPath: string }
  | { readonly found: false; readonly reason: string };

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_SOCKET = '/var/run/docker.sock';
const ANSWER_TIMEOUT_MS = 5_000;

/** What a refused connection means to a person. */
const EXPLANATIONS: Readonly<Record<string, (socketPath: string) => string>> = {
  EACCES: (socketPath) =>
    `no right to use ${socketPath} (add yourself to its group with "sudo usermod -aG docker $USER", then log in again)`,
  ECONNREFUSED: (socketPath) => notRunning(socketPath),
};

const START_IT = '"sudo systemctl start docker" or "sudo service docker start"';

function notRunning(socketPath: string): string {
  return `Docker is installed but not running: nothing answers at ${socketPath} (start it with ${START_IT})`;
}

const NOT_INSTALLED =
  'Docker is not installed (on Debian and Ubuntu: "sudo apt-get install docker.io")';

/** Looks where the docker command would: DOCKER_HOST, the system's socket, that of a rootless engine. */
export async function findDocker(env: Environment): Promise<DockerEngine> {
  const host = env['DOCKER_HOST'];
  if (host !== undefined && host !== '' && !host.startsWith('unix://')) {
    return {
      found: false,
      reason: `DOCKER_HOST=${host} is not an engine of this machine (unset it)`,
    };
  }
  const named = host?.slice('unix://'.length) ?? '';
  const failures: string[] = [];
  const sockets = named === '' ? usualSockets(env) : [named];
  for (const socketPath of sockets) {
    const failure = await failureAt(socketPath);
    if (failure === undefined) return { found: true, socketPath };
    failures.push(failure);
  }
  const explained = failures.find((reason) => reason !== ABSENT);
  return {
    found: false,
    reason: explained ?? (await reasonOfAbsence(env, sockets)),
  };
}

function usualSockets(env: Environment): readonly string[] {
  const runtime = env['XDG_RUNTIME_DIR'];
  return [DEFAULT_SOCKET, ...(runtime === undefined ? [] : [path.join(runtime, 'docker.sock')])];
}

const connectFailure = z.object({ code: z.string().default('') });

const ABSENT = 'no socket';

async function failureAt(socketPath: string): Promise<string | undefined> {
  try {
    await new Docker({ socketPath, timeout: ANSWER_TIMEOUT_MS }).ping();
    return undefined;
  } catch (error) {
    const { code } = connectFailure.parse(error);
    if (code === 'ENOENT') return ABSENT;
    return (
      EXPLANATIONS[code]?.(socketPath) ??
      `Docker at ${socketPath} does not answer (${String(error)})`
    );
  }
}

async function reasonOfAbsence(env: Environment, sockets: readonly string[]): Promise<string> {
  const folders = [...(env['PATH'] ?? '').split(':'), '/usr/bin', '/usr/sbin', '/usr/local/bin'];
  const engines = folders
    .filter((folder) => folder !== '')
    .map((folder) => path.join(folder, 'dockerd'));
  const installed = await Promise.all(
    engines.map((file) =>
      access(file, constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return installed.includes(true) ? notRunning(sockets.join(' or ')) : NOT_INSTALLED;
}
