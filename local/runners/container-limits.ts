import type { Pod } from '../../kube/pod.ts';
import { PodStartError } from './pod-runner.ts';
import { parseQuantity } from '../../kube/quantity.ts';

/** What a sandbox may use of this machine, in plain numbers. */
export interface ContainerLimits {
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Of the workspace. No local runner has quotas, so it bounds each file. */
  readonly diskBytes: number;
  /** Of /tmp, which lives in memory and counts as such. */
  readonly tmpBytes: number;
  readonly processes: number;
  readonly openFiles: number;
}

const MiB = 2 ** 20;
const PROCESSES = 256;
const OPEN_FILES = 4096;
const DEFAULT_CPUS = 1;
const DEFAULT_MEMORY = 512 * MiB;
const DEFAULT_DISK = 1024 * MiB;
const DEFAULT_TMP = 64 * MiB;

/** The limits of the pod's only container; what it leaves open is bounded all the same. Throws a `PodStartError` on a bad quantity. */
export function containerLimits(pod: Pod): ContainerLimits {
  const limits = pod.spec.containers[0]?.resources?.limits ?? {};
  const memoryBytes = bytes(limits['memory'], DEFAULT_MEMORY);
  const tmp = pod.spec.volumes?.find((volume) => volume.name === 'tmp')?.emptyDir?.sizeLimit;
  return {
    cpus: read(limits['cpu'], DEFAULT_CPUS),
    memoryBytes,
    diskBytes: bytes(limits['ephemeral-storage'], DEFAULT_DISK),
    tmpBytes: Math.min(bytes(tmp, DEFAULT_TMP), memoryBytes),
    processes: PROCESSES,
    openFiles: OPEN_FILES,
  };
}

function bytes(quantity: string | undefined, fallback: number): number {
  return Math.floor(read(quantity, fallback));
}

function read(quantity: string | undefined, fallback: number): number {
  const value = quantity === undefined ? fallback : parseQuantity(quantity);
  if (value !== undefined && value > 0) return value;
  throw new PodStartError('CreateContainerConfigError', `${String(quantity)} is no usable limit`, {
    retryable: false,
  });
}
