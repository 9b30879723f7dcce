import type Docker from 'dockerode';
import type { Installation } from './installation.ts';
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

/** Starts the installation's own MariaDB, or finds it running; returns the URL. It may take some seconds to answer. */
export async function startMariaDb(local: LocalMariaDb): Promise<string> {
  const container = local.docker.getContainer(nameFor(local.installation));
  if ((await imageOf(container)) !== local.image) {
    await container.remove({ force: true }).catch(unless(404));
    await provideImage(local);
    await local.docker.createContainer(specOf(local));
  }
  await container.start().catch(unless(304));
  const { NetworkSettings } = await container.inspect();
  const port = NetworkSettings.Ports[PORT]?.[0]?.HostPort ?? '';
  const { databasePassword } = local.installation;
  return `mysql://sandbox:${databasePassword}@127.0.0.1:${port}/sandbox`;
}

/** What is not there is stopped already. With `remove` its data go too. */
export async function stopMariaDb(
  docker: Docker,
  installation: Pick<Installation, 'id'>,
  { remove }: { readonly remove: boolean },
): Promise<void> {
  const name = nameFor(installation);
  const container = docker.getContainer(name);
  await container.stop({ t: STOP_SECONDS }).catch(unless(304, 404));
  if (!remove) return;
  await container.remove({ force: true }).catch(unless(404));
  await docker.getVolume(name).remove().catch(unless(404));
}

function nameFor({ id }: Pick<Installation, 'id'>): string {
  return `sandbox-${id}-mariadb`;
}

/** The image that it was made from, by the name that was asked for; undefined: there is no such container. */
async function imageOf(container: Docker.Container): Promise<string | undefined> {
  try {
    return (await container.inspect()).Config.Image;
  } catch (error) {
    if (hasStatus(error, 404)) return undefined;
    throw error;
  }
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
    throw new Error(`image ${image} is not here and cannot be pulled`, { cause });
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
