import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';

const running = z.object({
  pid: z.int().positive(),
  api: z.string(),
  kube: z.string(),
  runner: z.enum(['docker', 'process']),
});

/** What a serving control plane tells about itself, for `up`, `down` and whoever looks for its addresses. */
export type Running = z.infer<typeof running>;

/** Written once the control plane serves, in one step, so that nobody reads half of it. */
export function writeRunning(file: string, value: Running): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(value)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** The control plane that serves from this file's folder, if its process is alive. */
export function readRunning(file: string): Running | undefined {
  const parsed = running.safeParse(jsonOf(file));
  return parsed.success && isAlive(parsed.data.pid) ? parsed.data : undefined;
}

export function removeRunning(file: string): void {
  rmSync(file, { force: true });
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function jsonOf(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
