import { readFileSync } from 'node:fs';

/** Counters of this container's memory cgroup, version 2 and 1; both have a line `oom_kill N`. */
const FILES = ['/sys/fs/cgroup/memory.events', '/sys/fs/cgroup/memory/memory.oom_control'];

/** How many processes of this container the kernel has killed for want of memory; always 0 where it cannot be known. */
export type OomKills = () => number;

export function watchOomKills(
  read: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): OomKills {
  const file = FILES.find((path) => count(read, path) !== undefined);
  return () => (file === undefined ? 0 : (count(read, file) ?? 0));
}

function count(read: (path: string) => string, path: string): number | undefined {
  try {
    const line = /^oom_kill (\d+)$/m.exec(read(path));
    return line === null ? undefined : Number(line[1]);
  } catch {
    return undefined; // of the other version of control groups, or not to be seen from here
  }
}
