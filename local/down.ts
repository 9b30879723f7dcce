import { setTimeout as delay } from 'node:timers/promises';
import Docker from 'dockerode';
import { systemClock } from '../kube/clock.ts';
import { createLogger } from '../kube/logging.ts';
import type { Installation } from './installation.ts';
import { isAlive, readRunning, removeRunning, type Running } from './running.ts';
import { stopMariaDb } from './mariadb.ts';
import { chooseRunner } from './runners/choose-runner.ts';
import { findDocker } from './runners/docker-engine.ts';
import { say } from './say.ts';

const STOP_PATIENCE_MS = 15_000;

/** Ends the control plane and every sandbox of this installation, also those that a crashed control plane left. */
export async function down(
  installation: Installation,
  { workspaces }: { workspaces: 'keep' | 'remove' },
): Promise<void> {
  const running = readRunning(installation.running);
  if (running !== undefined) await endProcess(running);
  removeRunning(installation.running);
  const pods = await removePods(installation, workspaces);
  await endDatabase(installation, workspaces);
  say(
    running === undefined
      ? 'The local control plane was not running.'
      : 'The local control plane is down.',
  );
  if (pods > 0) say(`Removed ${pods} sandbox${pods === 1 ? '' : 'es'} that ran.`);
}

async function endProcess(running: Running): Promise<void> {
  process.kill(running.pid, 'SIGTERM');
  const deadline = Date.now() + STOP_PATIENCE_MS;
  while (isAlive(running) && Date.now() < deadline) await delay(50);
  if (isAlive(running)) process.kill(running.pid, 'SIGKILL');
}

/** After the control plane, which writes to it until its end. */
async function endDatabase(
  installation: Installation,
  workspaces: 'keep' | 'remove',
): Promise<void> {
  const engine = await findDocker(process.env);
  if (!engine.found) return;
  const docker = new Docker({ socketPath: engine.socketPath });
  await stopMariaDb(docker, installation, { remove: workspaces === 'remove' });
}

async function removePods(
  installation: Installation,
  workspaces: 'keep' | 'remove',
): Promise<number> {
  const logger = createLogger({ level: 'error' });
  const options = { installation, wanted: undefined, env: process.env, clock: systemClock, logger };
  const { runner } = await chooseRunner(options);
  try {
    const pods = await runner.list();
    await Promise.all(pods.map(({ podUID }) => runner.stop(podUID)));
    if (workspaces === 'remove') await runner.keepWorkspaces(new Set());
    return pods.length;
  } finally {
    await runner.close();
  }
}
