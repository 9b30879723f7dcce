import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../../kube/clock.ts';
import { findDocker } from '../../local/runners/docker-engine.ts';
import { createDockerRunner } from '../../local/runners/docker-runner.ts';
import type { PodExit, PodRunner } from '../../local/runners/pod-runner.ts';
import { runnerContract, Sandbox, silentLogger, startRequest } from './runner-contract.ts';

const run = promisify(execFile);
const IMAGE = 'sandbox-template-nodejs-basic:latest';
const engine = await findDocker(process.env);
if (!engine.found) throw new Error(`the Docker runner's suite needs an engine: ${engine.reason}`);
const { socketPath } = engine;

/** Runners of one installation of its own, as one process after the other would make them. */
function newInstallation(): { id: string; folder: string; create: () => Promise<PodRunner> } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'scp-runner-'));
  const id = randomBytes(4).toString('hex');
  const options = {
    socketPath,
    installation: id,
    runFolder: folder,
    clock: systemClock,
    logger: silentLogger,
  };
  return { id, folder, create: () => createDockerRunner(options) };
}

beforeAll(async () => {
  await run('images/build.sh');
}, 180_000);

describe('the docker runner', () => {
  const { folder, create } = newInstallation();

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  runnerContract(() =>
    Promise.resolve({ create, seccomp: true, image: IMAGE, hostFolder: folder }),
  );

  test('an image that is not there is ErrImagePull, which says how to get it and may be retried', async () => {
    const runner = await create();
    await expect(runner.start(startRequest('sandbox-no-such-image:latest'))).rejects.toMatchObject({
      code: 'ErrImagePull',
      retryable: true,
      message: expect.stringContaining('images/build.sh'),
    });
    await runner.close();
  });
});

describe('the docker runner after a restart', () => {
  const { id: installation, folder, create } = newInstallation();

  afterAll(async () => {
    const runner = await create();
    await runner.keepWorkspaces(new Set());
    rmSync(folder, { recursive: true, force: true });
  });

  test('the next process finds a running pod, reaches it, and hears of its end', async () => {
    const before = await create();
    const request = startRequest(IMAGE);
    await before.start(request);
    await before.close();
    const after = await create();
    const exit = new Promise<PodExit>((resolve) => {
      after.onExit(resolve);
    });
    const listed = await after.list();
    expect(listed.map(({ podUID }) => podUID)).toContain(request.pod.metadata.uid);
    const sandbox = await new Sandbox(after, request).ready();
    await expect(sandbox.sh('echo adopted')).resolves.toBe('adopted');
    await sandbox.close();
    await run('docker', ['kill', `sandbox-${installation}-${request.pod.metadata.uid}`]);
    await expect(exit).resolves.toMatchObject({
      podUID: request.pod.metadata.uid,
      exitCode: 137,
      reason: 'Error',
    });
    await after.close();
  }, 60_000);

  test('the end of a pod that ended while nobody listened is told to the next process', async () => {
    const before = await create();
    const request = startRequest(IMAGE);
    await before.start(request);
    await before.close();
    const container = `sandbox-${installation}-${request.pod.metadata.uid}`;
    await run('docker', ['kill', container]);
    await run('docker', ['wait', container]);
    const after = await create();
    const exits: PodExit[] = [];
    after.onExit((exit) => exits.push(exit));
    await after.list();
    expect(exits).toMatchObject([{ podUID: request.pod.metadata.uid, exitCode: 137 }]);
    const { stdout } = await run('docker', [
      'ps',
      '-aq',
      '--filter',
      `label=ai.sandbox.pod-uid=${request.pod.metadata.uid}`,
    ]);
    expect(stdout).toBe('');
    await after.close();
  }, 60_000);
});
