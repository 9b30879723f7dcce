import { spawn } from 'node:child_process';
import path from 'node:path';
import { build } from '../executor/build.ts';
import { fetchUv } from '../executor/fetch-uv.ts';
import { systemClock } from '../kube/clock.ts';
import { createLogger } from '../kube/logging.ts';
import { packageIndexConfig } from '../operator/package-index/config.ts';
import type { LocalConfig } from './config.ts';
import type { Installation } from './installation.ts';
import type { PodRunner } from './runners/pod-runner.ts';
import { chooseRunner } from './runners/choose-runner.ts';
import { say, UserFacingError } from './say.ts';

type Wanted = LocalConfig['runner'];

/** images/build.sh: the base images can neither be pulled nor made here. */
const NO_BASE_IMAGES = 77;

/** Settles what runs the sandboxes, says so, and builds what it needs. Returns the value of SANDBOX_RUNNER to go on with. */
export async function prepareRunner(
  config: LocalConfig,
  installation: Installation,
): Promise<string> {
  const chosen = await choose(config.runner, installation);
  if (chosen === 'docker' && !(await buildImages(config.runner))) return fallBack(installation);
  if (chosen === 'process') await provideUv(installation);
  await build(installation.executor);
  return config.runner ?? chosen;
}

/** Containers have it in their image. Without it everything works but the installation of Python packages. */
async function provideUv({ uv }: Installation): Promise<void> {
  const { pythonIndexUrl } = packageIndexConfig(process.env).policy;
  await fetchUv(uv, pythonIndexUrl).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    say(
      `uv cannot be fetched from ${pythonIndexUrl} (${reason}): unless this machine has one in /usr, Python packages cannot be installed in sandboxes. SANDBOX_PYTHON_INDEX_URL names another index.`,
    );
  });
}

async function choose(wanted: Wanted, installation: Installation): Promise<PodRunner['name']> {
  const logger = createLogger({ level: 'error' });
  const options = { installation, wanted, env: process.env, clock: systemClock, logger };
  const { runner, reason } = await chooseRunner(options).catch((cause: unknown) => {
    throw new UserFacingError(cause instanceof Error ? cause.message : String(cause), { cause });
  });
  say(reason);
  say(runner.isolation);
  await runner.close();
  return runner.name;
}

async function fallBack(installation: Installation): Promise<string> {
  say(
    'The base images can neither be pulled nor made here (making them needs root on Debian); going on without containers.',
  );
  await provideUv(installation);
  await build(installation.executor);
  return choose('process', installation);
}

/** False where the images cannot be had and nobody insisted on them. */
async function buildImages(wanted: Wanted): Promise<boolean> {
  say('Building the images of the sandboxes (a minute the first time, a second later) ...');
  const script = path.join(import.meta.dirname, '..', 'images', 'build.sh');
  const child = spawn(script, ['--sandboxes-only'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  child.stderr.on('data', (data: Buffer) => (output += data.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code === 0) return true;
  if (code === NO_BASE_IMAGES && wanted === undefined) return false;
  throw new UserFacingError(`The images could not be built:\n${output.trimEnd()}`);
}
