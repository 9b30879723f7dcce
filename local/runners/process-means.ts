import { release } from 'node:os';
import { openCgroups, type Cgroups } from './cgroups.ts';
import type { ContainerLimits } from './container-limits.ts';
import { failureOf, installedIsolators } from './isolation-probe.ts';
import type { Isolator } from './isolator.ts';
import { provideCommonFolders, type CommonFolders } from './process-files.ts';
import { RunnerUnavailableError } from './runner-error.ts';
import { sandboxMounts, type SandboxPlan } from './sandbox-plan.ts';

/** What this machine gives to isolate with. */
export interface Means {
  readonly root: boolean;
  readonly isolator: Isolator;
  readonly cgroups: Cgroups | undefined;
  readonly common: CommonFolders;
  readonly python: boolean;
}

export interface MeansOptions {
  readonly installation: string;
  /** Private folder for the executors' sockets and what sandboxes share; its path must be short (`socketsFit`). */
  readonly runFolder: string;
  /** Tries only this one; default: the best that works. */
  readonly isolator?: Isolator['name'];
}

/** Finds out what works here, by trying it, and touches nothing yet that another process may be using; a `RunnerUnavailableError` if nothing works. */
export async function findMeans(options: MeansOptions): Promise<Means> {
  const root = process.getuid?.() === 0;
  const common = await provideCommonFolders(options.runFolder);
  const cgroups = await openCgroups(`sandbox-control-plane-${options.installation}`);
  const isolator = await workingIsolator(options, root, common);
  const python =
    (await failureOf(isolator.command(probePlan(options, common, 'command -v python3')))) ===
    undefined;
  return { root, isolator, cgroups, common, python };
}

async function workingIsolator(
  options: MeansOptions,
  root: boolean,
  common: CommonFolders,
): Promise<Isolator> {
  const failures: string[] = [];
  for (const isolator of await installedIsolators(root)) {
    if (options.isolator !== undefined && isolator.name !== options.isolator) continue;
    const failure = await failureOf(isolator.command(probePlan(options, common, 'exit 0')));
    if (failure === undefined) return isolator;
    failures.push(`${isolator.name}: ${failure}`);
  }
  throw new RunnerUnavailableError(
    `this machine allows no namespaces to run sandboxes in (${failures.join('; ')}); use Docker instead`,
  );
}

const PROBE_LIMITS: ContainerLimits = {
  cpus: 1,
  memoryBytes: 2 ** 26,
  diskBytes: 2 ** 20,
  tmpBytes: 2 ** 20,
  processes: 16,
  openFiles: 64,
};

/** A sandbox like any other, but that it runs a line of shell; its workspace is the empty folder. */
function probePlan(options: MeansOptions, common: CommonFolders, line: string): SandboxPlan {
  const sources = {
    node: process.execPath,
    executor: common.mountPoint,
    etc: common.etc,
    workspace: common.mountPoint,
    socketFolder: common.mountPoint,
    cgroupMounts: [],
  };
  const command = ['/bin/sh', '-c', line];
  return {
    mountPoint: common.mountPoint,
    hostname: options.installation,
    mounts: sandboxMounts(sources, PROBE_LIMITS),
    command,
  };
}

/** For RLIMIT_NPROC: the limit itself where a cgroup does not hold it and the kernel counts inside the sandbox alone. */
export function maxProcesses({ root, cgroups }: Means, limits: ContainerLimits): number {
  const exact = cgroups === undefined && !root && countsPerNamespace(release());
  return exact ? limits.processes : UNCOUNTED_PROCESSES;
}

/** Where the limit is on all processes of a user, those outside the sandbox too, it can only be a last resort. */
const UNCOUNTED_PROCESSES = 4096;

/** Since Linux 5.14 RLIMIT_NPROC counts per user namespace (kernel commit 21d1c5e386bc). */
function countsPerNamespace(kernel: string): boolean {
  const [major = 0, minor = 0] = kernel.split('.').map(Number);
  return major > 5 || (major === 5 && minor >= 14);
}

/** What it isolates and what not, in a line for a person. */
export function isolationOf({ root, isolator, cgroups, python }: Means): string {
  const limits =
    cgroups === undefined
      ? 'but MEMORY AND CPU ARE NOT LIMITED (no right to write cgroups)'
      : 'CPU, memory and process limits';
  const user = root ? 'host uid 1000' : 'your own uid, seen as 1000';
  const noPython = python
    ? ''
    : ' There is no python3 on this machine, so only JavaScript and shell run.';
  return `NO CONTAINERS: processes in Linux namespaces (${isolator.name}), ${user}, no capabilities, no network, read-only /usr of this machine, nothing of its home folders, ${limits}; system calls are NOT filtered, the kernel is shared, the size of a workspace is not limited. Not for code of strangers: use Docker.${noPython}`;
}
