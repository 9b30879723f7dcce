import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openCgroups } from './cgroups.ts';

const limits = {
  cpus: 0.5,
  memoryBytes: 1000,
  diskBytes: 1,
  tmpBytes: 1,
  processes: 256,
  openFiles: 64,
};

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'cgroups-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const content = (file: string): string => readFileSync(path.join(root, file), 'utf8');

function mountVersion1(): void {
  for (const controller of ['memory', 'pids', 'cpu']) {
    mkdirSync(path.join(root, controller));
    writeFileSync(path.join(root, controller, 'cgroup.procs'), '');
  }
}

test('version 2 has one group per sandbox, with the controllers delegated to it', async () => {
  writeFileSync(path.join(root, 'cgroup.controllers'), 'cpu memory pids');
  writeFileSync(path.join(root, 'cgroup.procs'), '');
  const cgroups = await openCgroups('ours', root);
  const cgroup = await cgroups?.create('pod', limits);
  expect(content('cgroup.subtree_control')).toBe('+memory +pids +cpu');
  expect(content('ours/cgroup.subtree_control')).toBe('+memory +pids +cpu');
  expect(content('ours/pod/memory.max')).toBe('1000');
  expect(content('ours/pod/pids.max')).toBe('256');
  expect(content('ours/pod/cpu.max')).toBe('50000 100000');
  expect(cgroup?.entrances).toEqual([path.join(root, 'ours/pod/cgroup.procs')]);
  expect(cgroup?.mounts).toEqual([{ from: path.join(root, 'ours/pod'), to: '/sys/fs/cgroup' }]);
  writeFileSync(path.join(root, 'ours/pod/memory.events'), 'max 3\noom_kill 2\n');
  await expect(cgroup?.oomKills()).resolves.toBe(2);
});

test('version 1 has one group per controller', async () => {
  mountVersion1();
  const cgroup = await (await openCgroups('ours', root))?.create('pod', limits);
  expect(content('memory/ours/pod/memory.limit_in_bytes')).toBe('1000');
  expect(content('pids/ours/pod/pids.max')).toBe('256');
  expect(content('cpu/ours/pod/cpu.cfs_quota_us')).toBe('50000');
  expect(cgroup?.entrances).toHaveLength(3);
  expect(cgroup?.mounts).toEqual([
    { from: path.join(root, 'memory/ours/pod'), to: '/sys/fs/cgroup/memory' },
  ]);
  writeFileSync(
    path.join(root, 'memory/ours/pod/memory.oom_control'),
    'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n',
  );
  await expect(cgroup?.oomKills()).resolves.toBe(1);
});

test('what an earlier process left is removed, and in the end everything', async () => {
  mountVersion1();
  const left = path.join(root, 'memory/ours/left');
  mkdirSync(left, { recursive: true });
  const cgroups = await openCgroups('ours', root);
  await cgroups?.removeAll();
  expect(existsSync(left)).toBe(false);
  await cgroups?.close();
  expect(existsSync(path.join(root, 'memory/ours'))).toBe(false);
  expect(existsSync(path.join(root, 'memory'))).toBe(true);
});

test('a folder where no controller is mounted is not taken for one', async () => {
  for (const controller of ['memory', 'pids', 'cpu']) mkdirSync(path.join(root, controller));
  await expect(openCgroups('ours', root)).resolves.toBeUndefined();
});

test('where there are no cgroups at all there are none for sandboxes', async () => {
  await expect(openCgroups('ours', '/proc/no-such-place')).resolves.toBeUndefined();
});
