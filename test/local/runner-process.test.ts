import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { build } from '../../executor/build.ts';
import { systemClock } from '../../kube/clock.ts';
import type { PodRunner } from '../../local/runners/pod-runner.ts';
import { createProcessRunner } from '../../local/runners/process-runner.ts';
import { runnerContract, silentLogger } from './runner-contract.ts';

describe('the process runner', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'scp-runner-'));
  const installation = randomBytes(4).toString('hex');

  async function create(): Promise<PodRunner> {
    return await createProcessRunner({
      installation,
      runFolder: path.join(folder, 'run'),
      workspaceFolder: path.join(folder, 'workspaces'),
      dependenciesFolder: path.join(folder, 'dependencies'),
      executorFolder: path.join(folder, 'executor'),
      clock: systemClock,
      logger: silentLogger,
    });
  }

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  runnerContract(async () => {
    await build(path.join(folder, 'executor'));
    return { create, seccomp: false, image: 'none', hostFolder: folder };
  });
});
