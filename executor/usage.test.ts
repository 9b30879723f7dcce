import { readUsage, type Proc } from './usage.ts';

function procOf(files: Readonly<Record<string, string>>): Proc {
  return {
    read: (path) => {
      const text = files[path];
      if (text === undefined) throw new Error('ENOENT');
      return text;
    },
    list: () => ['1', '17', 'self', 'meminfo'],
  };
}

/** utime 10, stime 5, cutime 3, cstime 2 ticks and 100 pages, behind a name that tries to be fields. */
const STAT = `17 (a) R 1) S 1 1 1 0 -1 4194304 0 0 0 0 10 5 3 2 20 0 1 0 100 1000000 100 18446744073709551615`;

test('control groups version 2 are read, without the cache that costs nothing', () => {
  const files = {
    '/sys/fs/cgroup/cpu.stat': 'usage_usec 1234567\nuser_usec 1\n',
    '/sys/fs/cgroup/memory.current': '5000\n',
    '/sys/fs/cgroup/memory.stat': 'anon 1\ninactive_file 1000\n',
  };
  expect(readUsage(procOf(files))).toEqual({ cpuMs: 1_235, memoryBytes: 4_000, processes: 2 });
});

test('so is version 1', () => {
  const files = {
    '/sys/fs/cgroup/cpuacct/cpuacct.usage': '1234000000\n',
    '/sys/fs/cgroup/memory/memory.usage_in_bytes': '5000\n',
    '/sys/fs/cgroup/memory/memory.stat': 'inactive_file 9\ntotal_inactive_file 6000\n',
  };
  expect(readUsage(procOf(files))).toEqual({ cpuMs: 1_234, memoryBytes: 0, processes: 2 });
});

test('where there is no control group to read, the processes are summed up', () => {
  const files = { '/proc/1/stat': STAT, '/proc/17/stat': STAT };
  expect(readUsage(procOf(files))).toEqual({ cpuMs: 400, memoryBytes: 819_200, processes: 2 });
});

test('a process that ends meanwhile counts for nothing', () => {
  expect(readUsage(procOf({ '/proc/1/stat': STAT }))).toMatchObject({ cpuMs: 200, processes: 2 });
});
