import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { z } from 'zod';

const running = z.object({
  pid: z.int().positive(),
  /** When the process began, by the kernel's count: process ids are used again. */
  startTime: z.string(),
  api: z.string(),
  kube: z.string(),
  runner: z.enum(['docker', 'process']),
});

/** What a serving control plane tells about itself, for `up`, `down` and whoever looks for its addresses. */
export type Running = z.infer<typeof running>;

/** Tells that this process serves, in one step, so that nobody reads half of it. */
export function writeRunning(file: string, addresses: Omit<Running, 'pid' | 'startTime'>): void {
  const startTime = startTimeOf(process.pid) ?? '';
  const value: Running = { pid: process.pid, startTime, ...addresses };
  writeFileSync(`${file}.new`, `${JSON.stringify(value)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** The control plane that serves from this file's folder, if its process is alive. */
export function readRunning(file: string): Running | undefined {
  const parsed = running.safeParse(jsonOf(file));
  return parsed.success && isAlive(parsed.data) ? parsed.data : undefined;
}

export function removeRunning(file: string): void {
  rmSync(file, { force: true });
}

/** Whether this very process still runs; one that ended and waits for its parent to notice does not. */
export function isAlive({ pid, startTime }: Pick<Running, 'pid' | 'startTime'>): boolean {
  return startTimeOf(pid) === startTime;
}

/** Fields 3 (state) and 22 (start time) of proc_pid_stat(5), counted behind the name, which may hold anything. */
function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : fields[18];
  } catch {
    return undefined;
  }
}

function jsonOf(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
