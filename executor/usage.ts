import { readFileSync, readdirSync } from 'node:fs';
import type { Usage } from './contract.ts';

/** Reads this container's accounts; a parameter so that tests bring their own. */
export interface Proc {
  read(path: string): string;
  list(path: string): readonly string[];
}

const REAL: Proc = {
  read: (path) => readFileSync(path, 'utf8'),
  list: (path) => readdirSync(path),
};

/** USER_HZ, which the kernel has fixed at 100 on every platform that Node.js runs on. */
const TICK_MS = 10;
const PAGE_BYTES = 4_096;
const CGROUP = '/sys/fs/cgroup';

/** What the container's processes have used: from its control group (version 2 or 1), else summed up over the processes. */
export function readConsumption(proc: Proc = REAL): Pick<Usage, 'cpuMs' | 'memoryBytes'> {
  const [cpuMs, memoryBytes] = [cgroupCpuMs(proc), cgroupMemory(proc)];
  if (cpuMs !== undefined && memoryBytes !== undefined) return { cpuMs, memoryBytes };
  const own = processesIn(proc).map((pid) => statOf(proc, pid));
  const sum = (of: (stat: Stat) => number): number =>
    own.reduce((total, stat) => total + of(stat), 0);
  return {
    cpuMs: cpuMs ?? sum((stat) => stat.cpuMs),
    memoryBytes: memoryBytes ?? sum((stat) => stat.memoryBytes),
  };
}

/** The same, and how many processes there are. */
export function readUsage(proc: Proc = REAL): Pick<Usage, 'cpuMs' | 'memoryBytes' | 'processes'> {
  return { ...readConsumption(proc), processes: processesIn(proc).length };
}

function processesIn(proc: Proc): readonly string[] {
  return proc.list('/proc').filter((name) => /^\d+$/.test(name));
}

function cgroupCpuMs(proc: Proc): number | undefined {
  const microseconds = field(proc, `${CGROUP}/cpu.stat`, 'usage_usec');
  if (microseconds !== undefined) return Math.round(microseconds / 1_000);
  const nanoseconds = numberIn(proc, `${CGROUP}/cpuacct/cpuacct.usage`);
  return nanoseconds === undefined ? undefined : Math.round(nanoseconds / 1e6);
}

/** Without the file cache that the kernel would give up at once: kubelet's "working set". */
function cgroupMemory(proc: Proc): number | undefined {
  const version2 = numberIn(proc, `${CGROUP}/memory.current`);
  if (version2 !== undefined)
    return Math.max(0, version2 - (field(proc, `${CGROUP}/memory.stat`, 'inactive_file') ?? 0));
  const version1 = numberIn(proc, `${CGROUP}/memory/memory.usage_in_bytes`);
  if (version1 === undefined) return undefined;
  const cache = field(proc, `${CGROUP}/memory/memory.stat`, 'total_inactive_file') ?? 0;
  return Math.max(0, version1 - cache);
}

interface Stat {
  readonly cpuMs: number;
  readonly memoryBytes: number;
}

/** proc_pid_stat(5), counted behind the name, which may hold anything; times include children that were waited for. */
function statOf(proc: Proc, pid: string): Stat {
  const text = textIn(proc, `/proc/${pid}/stat`) ?? '';
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const at = (index: number): number => Number(fields[index] ?? 0);
  const ticks = at(11) + at(12) + at(13) + at(14);
  return { cpuMs: ticks * TICK_MS, memoryBytes: at(21) * PAGE_BYTES };
}

function field(proc: Proc, path: string, name: string): number | undefined {
  const value = new RegExp(`^${name} (\\d+)$`, 'm').exec(textIn(proc, path) ?? '')?.[1];
  return value === undefined ? undefined : Number(value);
}

function numberIn(proc: Proc, path: string): number | undefined {
  const text = textIn(proc, path)?.trim() ?? '';
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function textIn(proc: Proc, path: string): string | undefined {
  try {
    return proc.read(path);
  } catch {
    return undefined; // of the other version of control groups, or of a process that ended in the meantime
  }
}
