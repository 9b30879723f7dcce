import { spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { LocalConfig } from './config.ts';
import type { Installation } from './installation.ts';
import { requireFreePorts } from './ports.ts';
import { prepareDatabase } from './prepare-database.ts';
import { prepareRunner } from './prepare-runner.ts';
import { readRunning, removeRunning, type Running } from './running.ts';
import { say, UserFacingError } from './say.ts';

const START_PATIENCE_MS = 60_000;

/** Starts the local control plane in the background and returns once it serves, having said what to try next. */
export async function up(config: LocalConfig, installation: Installation): Promise<void> {
  const already = readRunning(installation.running);
  if (already !== undefined) {
    say(`The local control plane is up already, at ${already.api}. Stop it with: make down`);
    return;
  }
  removeRunning(installation.running);
  await requireFreePorts(config);
  // Beside the images, which may take minutes the first time.
  const preparing = prepareDatabase(config, installation);
  const runner = await prepareRunner(config, installation);
  const { url, words } = await preparing;
  say(words);
  const database = url === undefined ? {} : { DATABASE_URL: url };
  const running = await start(installation, { SANDBOX_RUNNER: runner, ...database });
  say(nextSteps(running, installation));
}

async function start(
  installation: Installation,
  settings: Readonly<Record<string, string>>,
): Promise<Running> {
  const log = openSync(installation.log, 'a', 0o600);
  const main = path.join(import.meta.dirname, 'main.ts');
  const child = spawn(process.execPath, [main], {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...settings, SANDBOX_STATE: installation.folder },
  });
  child.unref();
  const deadline = Date.now() + START_PATIENCE_MS;
  while (Date.now() < deadline && child.exitCode === null) {
    const running = readRunning(installation.running);
    if (running !== undefined) return running;
    await delay(25);
  }
  child.kill('SIGKILL');
  throw new UserFacingError(`The control plane did not start: ${lastLines(installation.log)}`);
}

function lastLines(file: string): string {
  return `\n${readFileSync(file, 'utf8').trimEnd().split('\n').slice(-5).join('\n')}\n(all of it: ${file})`;
}

function nextSteps({ api }: Running, { kubeconfig }: Installation): string {
  const config = path.relative(process.cwd(), kubeconfig);
  return `
The local control plane serves at ${api} (try it in a browser: ${api}/docs).

  curl -X POST ${api}/api/v1/sessions -H 'Content-Type: application/json' \\
    -d '{"template_id":"python-basic","timeout":300,"resources":{"cpu":"1","memory":"512Mi","disk":"1Gi"}}'

  curl -X POST ${api}/api/v1/sessions/{the id it answers}/execute-sync -H 'Content-Type: application/json' \\
    -d '{"code":"def handler(event):\\n    return {\\"result\\": \\"hello world\\"}","language":"python","timeout":30}'

  kubectl --kubeconfig ${config} apply -f examples/

make logs shows what it does, make down stops it.`;
}
