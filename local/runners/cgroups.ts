import { constants } from 'node:fs';
import { access, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { ContainerLimits } from './container-limits.ts';

/** The cgroups of one sandbox: one folder in version 2, one for each controller in version 1. */
export interface SandboxCgroup {
  /** Files that take the pid of a process which is to be limited. */
  readonly entrances: readonly string[];
  /** Where the sandbox sees its own accounts, as in a container. */
  readonly mounts: readonly { readonly from: string; readonly to: string }[];
  /** How many of its processes the kernel killed for want of memory. */
  oomKills(): Promise<number>;
  /** Kills what is left in it, and removes it. */
  remove(): Promise<void>;
}

type Setting = readonly [file: string, value: string];

/** How one version of cgroups is laid out beneath its mount point. */
interface Layout {
  /** Empty in version 2, which has one hierarchy for all. */
  readonly hierarchies: readonly string[];
  readonly settings: (limits: ContainerLimits) => readonly Setting[];
  /** Has a line `oom_kill N`. */
  readonly memoryEvents: string;
}

const MOUNT_POINT = '/sys/fs/cgroup';
const CONTROLLERS = ['memory', 'pids', 'cpu'];
const PERIOD_US = 100_000;
const REMOVAL_TRIES = 40;
const REMOVAL_PAUSE_MS = 25;

const VERSION_1: Layout = {
  hierarchies: CONTROLLERS,
  settings: (limits) => [
    ['memory/memory.limit_in_bytes', String(limits.memoryBytes)],
    ['pids/pids.max', String(limits.processes)],
    ['cpu/cpu.cfs_period_us', String(PERIOD_US)],
    ['cpu/cpu.cfs_quota_us', String(quota(limits))],
  ],
  memoryEvents: 'memory/memory.oom_control',
};

const VERSION_2: Layout = {
  hierarchies: [''],
  settings: (limits) => [
    ['memory.max', String(limits.memoryBytes)],
    ['pids.max', String(limits.processes)],
    ['cpu.max', `${String(quota(limits))} ${String(PERIOD_US)}`],
  ],
  memoryEvents: 'memory.events',
};

/** Absent where the kernel does not account for swap. Version 1 counts memory and swap together, version 2 swap alone. */
const SWAP: readonly { file: string; value: (limits: ContainerLimits) => string }[] = [
  { file: 'memory/memory.memsw.limit_in_bytes', value: (limits) => String(limits.memoryBytes) },
  { file: 'memory.swap.max', value: () => '0' },
];

function quota(limits: ContainerLimits): number {
  return Math.max(1_000, Math.round(limits.cpus * PERIOD_US));
}

/** Limits sandboxes in cgroups named `parent/NAME`. */
export class Cgroups {
  readonly #root: string;
  readonly #parent: string;
  readonly #version: 1 | 2;
  readonly #layout: Layout;

  constructor(parent: string, options: { root: string; version: 1 | 2 }) {
    this.#root = options.root;
    this.#parent = parent;
    this.#version = options.version;
    this.#layout = options.version === 1 ? VERSION_1 : VERSION_2;
  }

  /** Makes the parents of all groups; throws where this user may not. */
  async prepare(): Promise<void> {
    if (this.#version === 2) await delegate(this.#root, this.#parent);
    else
      for (const hierarchy of CONTROLLERS)
        await prepare(path.join(this.#root, hierarchy), this.#parent);
  }

  async create(name: string, limits: ContainerLimits): Promise<SandboxCgroup> {
    await this.prepare();
    const at = (file: string): string => this.#path(name, file);
    await Promise.all(this.#folders(name).map((folder) => mkdir(folder, { recursive: true })));
    for (const [file, value] of this.#layout.settings(limits)) await writeFile(at(file), value);
    for (const { file, value } of SWAP)
      await writeFile(at(file), value(limits), { flag: 'r+' }).catch(() => undefined);
    return {
      entrances: this.#folders(name).map((folder) => path.join(folder, 'cgroup.procs')),
      mounts: [
        {
          from: path.dirname(at(this.#layout.memoryEvents)),
          to: path.join(MOUNT_POINT, path.dirname(this.#layout.memoryEvents)),
        },
      ],
      oomKills: async () => oomKills(await readFile(at(this.#layout.memoryEvents), 'utf8')),
      remove: () => this.#remove(name),
    };
  }

  /** Ends and removes what an earlier process left behind. */
  async removeAll(): Promise<void> {
    const parents = this.#parents();
    const entries = await Promise.all(
      parents.map((parent) => readdir(parent, { withFileTypes: true }).catch(() => [])),
    );
    const names = entries.flat().filter((entry) => entry.isDirectory());
    await Promise.all(
      [...new Set(names.map((entry) => entry.name))].map((name) => this.#remove(name)),
    );
  }

  /** Leaves no trace, unless a process of the same installation still has groups. */
  async close(): Promise<void> {
    await Promise.all(this.#parents().map((parent) => rmdir(parent).catch(() => undefined)));
  }

  #parents(): readonly string[] {
    return this.#layout.hierarchies.map((hierarchy) =>
      path.join(this.#root, hierarchy, this.#parent),
    );
  }

  async #remove(name: string): Promise<void> {
    await Promise.all(this.#folders(name).map((folder) => removeGroup(folder)));
  }

  #folders(name: string): readonly string[] {
    return this.#layout.hierarchies.map((hierarchy) =>
      path.join(this.#root, hierarchy, this.#parent, name),
    );
  }

  /** Of a file that the layout names from the mount point. */
  #path(name: string, file: string): string {
    const hierarchy = file.includes('/') ? path.dirname(file) : '';
    return path.join(this.#root, hierarchy, this.#parent, name, path.basename(file));
  }
}

/** The cgroups that this user may write, if there are any; `parent` is made ready to hold groups. */
export async function openCgroups(
  parent: string,
  root = MOUNT_POINT,
): Promise<Cgroups | undefined> {
  try {
    const version = await access(path.join(root, 'cgroup.controllers')).then(
      () => 2 as const,
      () => 1 as const,
    );
    const cgroups = new Cgroups(parent, { root, version });
    await cgroups.prepare();
    return cgroups;
  } catch {
    return undefined;
  }
}

/** Where no controller is mounted there may be a plain folder, in which limits would be mere files. */
async function prepare(hierarchy: string, parent: string): Promise<void> {
  await access(path.join(hierarchy, 'cgroup.procs'));
  const folder = path.join(hierarchy, parent);
  await mkdir(folder, { recursive: true });
  await access(folder, constants.W_OK);
}

/** In version 2 each group says which controllers its children get. */
async function delegate(root: string, parent: string): Promise<void> {
  const all = CONTROLLERS.map((controller) => `+${controller}`).join(' ');
  await prepare(root, parent);
  for (const folder of [root, path.join(root, parent)])
    await writeFile(path.join(folder, 'cgroup.subtree_control'), all);
}

function oomKills(events: string): number {
  return Number(/^oom_kill (\d+)$/m.exec(events)?.[1] ?? 0);
}

/** The kernel refuses to remove a group with processes in it, also ones that are still on their way out. */
async function removeGroup(folder: string): Promise<void> {
  for (let tries = REMOVAL_TRIES; ; tries--) {
    try {
      await rmdir(folder);
      return;
    } catch (error) {
      if (isAbsent(error)) return;
      if (tries === 0) throw error;
    }
    await killAll(folder);
    await sleep(REMOVAL_PAUSE_MS);
  }
}

async function killAll(folder: string): Promise<void> {
  const text = await readFile(path.join(folder, 'cgroup.procs'), 'utf8').catch(() => '');
  for (const pid of text.split('\n').filter((line) => line !== '' && line !== '0')) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // it ended between the look and the signal
    }
  }
}

const absence = z.object({ code: z.literal('ENOENT') });

function isAbsent(error: unknown): boolean {
  return absence.safeParse(error).success;
}
