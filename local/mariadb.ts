import type Docker from 'dockerode';
import type { Installation } from './installation.ts';
import { inspect, remove } from './runners/docker-container.ts';
import { hasStatus, unless } from './runners/docker-errors.ts';

export interface LocalMariaDb {
  readonly docker: Docker;
  readonly image: string;
  readonly installation: Pick<Installation, 'id' | 'databasePassword'>;
}

/** An engine that reaches its registry says so at once; offline it takes 15 s to give up, and nobody has to wait for that. */
const FIRST_WORD_MS = 4_000;
const PULL_MS = 300_000;
const STOP_SECONDS = 20;
const MEMORY_BYTES = 512 * 2 ** 20;
const PORT = '3306/tcp';

/** There is no MariaDB of its own; the message is one line for a person. */
class MariaDbUnavailableError extends Error {
  override readonly name = 'MariaDbUnavailableError';
  readonly code = 'MariaDbUnavailable';
  readonly retryable = true;
}

/** Starts the installation's own MariaDB, or finds it running; returns the URL. It may take some seconds to answer. */
export async function startMariaDb(local: LocalMariaDb): Promise<string> {
  const container = local.docker.getContainer(nameFor(local.installation));
  // By the name that was asked for, not by what that stands for now.
  const image = (await inspect(container))?.Config.Image;
  if (image !== local.image) await makeAnew(local, container);
  await container.start().catch(unless(304));
  const port = await portOf(container, local);
  const { databasePassword } = local.installation;
  return `mysql://sandbox:${databasePassword}@127.0.0.1:${port}/sandbox`;
}

/** Only once the new image is here, and what the old server has in memory is written, is there no way back. */
async function makeAnew(local: LocalMariaDb, old: Docker.Container): Promise<void> {
  await provideImage(local);
  await stop(old);
  await remove(old);
  await local.docker.createContainer(specOf(local));
}

async function portOf(
  container: Docker.Container,
  { installation }: LocalMariaDb,
): Promise<string> {
  const { NetworkSettings } = await container.inspect();
  const port = NetworkSettings.Ports[PORT]?.[0]?.HostPort;
  if (port !== undefined && port !== '') return port;
  const name = nameFor(installation);
  throw new MariaDbUnavailableError(
    `the MariaDB container ended at once; "docker logs ${name}" says why`,
  );
}

/** With `remove` its data go too. */
export async function stopMariaDb(
  docker: Docker,
  installation: Pick<Installation, 'id'>,
  { remove: withData }: { readonly remove: boolean },
): Promise<void> {
  const name = nameFor(installation);
  const container = docker.getContainer(name);
  await stop(container);
  if (!withData) return;
  await remove(container);
  await docker.getVolume(name).remove().catch(unless(404));
}

function nameFor({ id }: Pick<Installation, 'id'>): string {
  return `sandbox-${id}-mariadb`;
}

/** What is not there is stopped already. */
async function stop(container: Docker.Container): Promise<void> {
  await container.stop({ t: STOP_SECONDS }).catch(unless(304, 404));
}

async function provideImage({ docker, image }: LocalMariaDb): Promise<void> {
  try {
    await docker.getImage(image).inspect();
  } catch (error) {
    if (!hasStatus(error, 404)) throw error;
    await pull(docker, image);
  }
}

async function pull(docker: Docker, image: string): Promise<void> {
  const silence = new AbortController();
  const timer = setTimeout(() => {
    silence.abort();
  }, FIRST_WORD_MS);
  const abortSignal = AbortSignal.any([silence.signal, AbortSignal.timeout(PULL_MS)]);
  try {
    const progress = await docker.pull(image, { abortSignal });
    clearTimeout(timer);
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(progress, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  } catch (cause) {
    throw new MariaDbUnavailableError(`image ${image} is not here and cannot be pulled`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** On loopback alone, under a port that the engine chooses; its data in a volume of its own. The environment is that of the official image. */
function specOf({ image, installation }: LocalMariaDb): Docker.ContainerCreateOptions {
  const name = nameFor(installation);
  return {
    name,
    Image: image,
    Cmd: ['mariadbd', '--skip-name-resolve', '--innodb-buffer-pool-size=64M'],
    Env: [
      'MARIADB_DATABASE=sandbox',
      'MARIADB_USER=sandbox',
      `MARIADB_PASSWORD=${installation.databasePassword}`,
      'MARIADB_RANDOM_ROOT_PASSWORD=1',
    ],
    HostConfig: {
      PortBindings: { [PORT]: [{ HostIp: '127.0.0.1', HostPort: '' }] },
      Mounts: [{ Type: 'volume', Source: name, Target: '/var/lib/mysql' }],
      Memory: MEMORY_BYTES,
      SecurityOpt: ['no-new-privileges'],
    },
  };
}
