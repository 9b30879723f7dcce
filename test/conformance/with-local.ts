import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { newKey } from '../../api-shim/auth/new-key.ts';
import { runCommand } from '../../tools/run-command.ts';
import { LocalRun } from '../local/local-run.ts';

/** `with-local.ts docker|process COMMAND...`: runs the command beside a local control plane that asks for a key, and removes that. */

async function main([runner, ...command]: readonly string[]): Promise<number> {
  const [file, ...args] = command;
  if ((runner !== 'docker' && runner !== 'process') || file === undefined)
    throw new Error('usage: with-local.ts docker|process COMMAND...');
  const folder = mkdtempSync(path.join(os.tmpdir(), 'callers-'));
  const { key, line } = newKey(randomBytes(32), { name: 'conformance', role: 'admin' });
  const callers = path.join(folder, 'callers');
  writeFileSync(callers, `${line}\n`, { mode: 0o600 });
  const local = await LocalRun.create(runner);
  try {
    await local.up({ SANDBOX_CALLERS_FILE: callers });
    const env = { BASE_URL: local.running.api, API_KEY: key };
    return (await runCommand([file, ...args], { live: true, env })).exitCode;
  } finally {
    await local.remove();
    rmSync(folder, { recursive: true });
  }
}

process.exitCode = await main(process.argv.slice(2));
