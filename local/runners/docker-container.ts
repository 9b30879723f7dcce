import { text } from 'node:stream/consumers';
import type Docker from 'dockerode';
import { hasStatus, unless } from './docker-errors.ts';
import { withoutHeaders } from './docker-log.ts';

const LOG_LINES = 20;
const LOG_CHARACTERS = 2048;

/** Undefined: there is none. */
export async function inspect(
  container: Docker.Container,
): Promise<Docker.ContainerInspectInfo | undefined> {
  try {
    return await container.inspect();
  } catch (error) {
    if (hasStatus(error, 404)) return undefined;
    throw error;
  }
}

/** What kubelet's FallbackToLogsOnError would report. */
export async function lastWords(container: Docker.Container): Promise<string> {
  const log = await container.logs({ stdout: true, stderr: true, tail: LOG_LINES });
  return (await text(withoutHeaders([log]))).trim().slice(-LOG_CHARACTERS);
}

/** Resolves when it is gone, whoever removed it. */
export async function remove(container: Docker.Container): Promise<void> {
  try {
    // With its nameless volume; the workspace has a name.
    await container.remove({ force: true, v: true });
  } catch (error) {
    if (!hasStatus(error, 404, 409)) throw error;
    // 409: it is being removed already, by someone who is not done yet.
    if (hasStatus(error, 409)) await container.wait({ condition: 'removed' }).catch(unless(404));
  }
}
