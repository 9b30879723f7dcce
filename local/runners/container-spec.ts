import type Docker from 'dockerode';
import type { ContainerLimits } from './container-limits.ts';
import { EXECUTOR_LISTEN, SOCKET_MOUNT } from './executor-sockets.ts';
import type { StartPod } from './pod-runner.ts';
import { EXECUTOR_ENV } from '../../executor/environment.ts';

/** Labels by which an installation finds its own containers and volumes on an engine that others use too. */
export const DOCKER_LABEL = {
  installation: 'ai.sandbox.installation',
  podUID: 'ai.sandbox.pod-uid',
  pod: 'ai.sandbox.pod',
  workspace: 'ai.sandbox.workspace',
} as const;

/** Everything about one container that the pod does not say. */
export interface ContainerPlace {
  readonly installation: string;
  readonly limits: ContainerLimits;
  /** Folder of the host that is mounted for the executor's socket. */
  readonly socketFolder: string;
}

/** Where the packages of a sandbox are; part of its pod, unlike its workspace. */
export const DEPENDENCIES_MOUNT = '/opt/dependencies';

export function containerName(installation: string, podUID: string): string {
  return `sandbox-${installation}-${podUID}`;
}

export function volumeName(installation: string, workspaceId: string): string {
  return `sandbox-${installation}-workspace-${workspaceId}`;
}

/**
 * The hardening of a sandbox pod (design section 5) in the engine's words. Seccomp stays at the engine's default profile by not
 * being named, and there is no network at all: the executor listens on a socket file.
 */
export function containerSpec(
  request: StartPod,
  place: ContainerPlace,
): Docker.ContainerCreateOptions {
  const { pod, env } = request;
  const container = pod.spec.containers[0];
  return {
    name: containerName(place.installation, pod.metadata.uid),
    Image: container?.image ?? '',
    ...(container?.command && { Entrypoint: [...container.command] }),
    ...(container?.args && { Cmd: [...container.args] }),
    User: '1000:1000',
    WorkingDir: '/workspace',
    Hostname: (pod.spec.hostname ?? pod.metadata.name).slice(0, 63),
    Env: Object.entries({ ...env, [EXECUTOR_ENV.listen]: EXECUTOR_LISTEN }).map(
      ([name, value]) => `${name}=${value}`,
    ),
    Labels: {
      [DOCKER_LABEL.installation]: place.installation,
      [DOCKER_LABEL.podUID]: pod.metadata.uid,
      [DOCKER_LABEL.pod]: `${pod.metadata.namespace ?? ''}/${pod.metadata.name}`,
    },
    HostConfig: hostConfig(request, place),
  };
}

function hostConfig(request: StartPod, place: ContainerPlace): Docker.HostConfig {
  const { limits } = place;
  return {
    NetworkMode: 'none',
    ReadonlyRootfs: true,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges:true'],
    RestartPolicy: { Name: 'no' },
    Init: false,
    PidsLimit: limits.processes,
    Memory: limits.memoryBytes,
    MemorySwap: limits.memoryBytes,
    NanoCpus: Math.round(limits.cpus * 1e9),
    // In need of memory the kernel shall take a sandbox before anything else of this machine.
    OomScoreAdj: 500,
    Ulimits: [
      { Name: 'nofile', Soft: limits.openFiles, Hard: limits.openFiles },
      { Name: 'core', Soft: 0, Hard: 0 },
      { Name: 'fsize', Soft: limits.diskBytes, Hard: limits.diskBytes },
    ],
    Tmpfs: { '/tmp': `rw,exec,nosuid,nodev,mode=1777,size=${String(limits.tmpBytes)}` },
    Mounts: [
      {
        Type: 'volume',
        Source: volumeName(place.installation, request.workspaceId),
        Target: '/workspace',
        VolumeOptions: {
          NoCopy: false,
          DriverConfig: { Name: 'local', Options: {} },
          Labels: {
            [DOCKER_LABEL.installation]: place.installation,
            [DOCKER_LABEL.workspace]: request.workspaceId,
          },
        },
      },
      {
        // Without a name it goes with its container; the label is for what a crash leaves behind.
        Type: 'volume',
        Source: '',
        Target: DEPENDENCIES_MOUNT,
        VolumeOptions: {
          NoCopy: false,
          DriverConfig: { Name: 'local', Options: {} },
          Labels: { [DOCKER_LABEL.installation]: place.installation },
        },
      },
      { Type: 'bind', Source: place.socketFolder, Target: SOCKET_MOUNT },
    ],
    LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '1' } },
  };
}
