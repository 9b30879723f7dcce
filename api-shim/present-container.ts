import { restIdOf, templateIdOf } from '../crds/identity.ts';
import type { Sandbox } from '../crds/sandbox.ts';
import type { Container, ContainerStatus, Pod } from '../kube/pod.ts';
import type { ContainerResponse } from './schemas/container.ts';

/** Pod -> REST container. Pure. */

export function presentContainer(pod: Pod, sandbox: Sandbox, nowMs: number): ContainerResponse {
  const { metadata, spec } = pod;
  const container = spec.containers[0];
  return {
    container_id: metadata.name,
    pod_name: metadata.name,
    session_id: restIdOf(sandbox),
    template_id: templateIdOf(sandbox),
    image: container?.image ?? '',
    node_name: spec.nodeName ?? null,
    resources: resourcesOf(container),
    created_at: metadata.creationTimestamp,
    ...stateOf(pod, nowMs),
  };
}

export function containerStatusOf(pod: Pod): ContainerResponse['status'] {
  if (pod.metadata.deletionTimestamp !== undefined) return 'removing';
  const { state } = statusOf(pod) ?? {};
  if (state?.terminated !== undefined) return 'exited';
  if (state?.running !== undefined) return 'running';
  return isOver(pod) ? 'exited' : 'creating';
}

function isOver({ status }: Pod): boolean {
  return status?.phase === 'Failed' || status?.phase === 'Succeeded';
}

type State = Pick<
  ContainerResponse,
  'status' | 'runtime_type' | 'reason' | 'exit_code' | 'started_at' | 'uptime_seconds'
>;

function stateOf(pod: Pod, nowMs: number): State {
  const { state, containerID } = statusOf(pod) ?? {};
  return {
    status: containerStatusOf(pod),
    runtime_type: runtimeOf(containerID),
    reason: reasonOf(pod) ?? null,
    exit_code: state?.terminated?.exitCode ?? null,
    ...upSince(state?.running?.startedAt, nowMs),
  };
}

function reasonOf(pod: Pod): string | undefined {
  const { terminated, waiting } = statusOf(pod)?.state ?? {};
  return terminated?.reason ?? waiting?.reason ?? pod.status?.reason;
}

function upSince(
  startedAt: string | undefined,
  nowMs: number,
): Pick<State, 'started_at' | 'uptime_seconds'> {
  if (startedAt === undefined) return { started_at: null, uptime_seconds: 0 };
  const uptimeMs = Math.max(0, nowMs - Date.parse(startedAt));
  return { started_at: startedAt, uptime_seconds: uptimeMs / 1_000 };
}

function statusOf({ status }: Pod): ContainerStatus | undefined {
  return status?.containerStatuses?.[0];
}

/** By the scheme of its id: local runs have `docker://` and `process://`, a cluster has its runtime's. */
function runtimeOf(containerID = ''): ContainerResponse['runtime_type'] {
  if (containerID.startsWith('docker://')) return 'docker';
  return containerID.startsWith('process://') ? 'process' : 'kubernetes';
}

function resourcesOf(container: Container | undefined): ContainerResponse['resources'] {
  const limits = container?.resources?.limits ?? {};
  return {
    cpu: limits['cpu'] ?? null,
    memory: limits['memory'] ?? null,
    disk: limits['ephemeral-storage'] ?? null,
  };
}
