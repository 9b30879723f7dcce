import { templateIdOf } from '../crds/identity.ts';
import { SANDBOX_CONDITIONS } from '../crds/reasons.ts';
import { sessionStatusOf, type SessionStatus } from '../crds/rest-status.ts';
import type { Sandbox } from '../crds/sandbox.ts';
import type { SandboxTemplate } from '../crds/sandbox-template.ts';
import { presentDependencies } from './dependencies.ts';
import { inheritedOf, type Inherited } from './inherited.ts';
import { restIdOf } from './names.ts';
import { onIdleNameOf } from './on-idle.ts';
import { createdAtOf, latestOf } from './present-time.ts';
import { type SessionResponse } from './schemas/session.ts';

/** Sandbox -> REST session. Pure. */

const MAX_PROCESSES = 128;

const ACTIVE: ReadonlySet<SessionStatus> = new Set([
  'creating',
  'running',
  'suspending',
  'suspended',
]);

/** Executions are accepted; those sent before it is ready wait, and one that is suspended wakes for them. */
export function isActive(sandbox: Sandbox): boolean {
  return ACTIVE.has(sessionStatusOf(sandbox));
}

/** It has no sandbox that could be asked anything. */
export function isSuspended(sandbox: Sandbox): boolean {
  return sessionStatusOf(sandbox) === 'suspended';
}

/** What a session's own object does not say. */
export interface SessionSurroundings {
  /** As far as it is known. */
  readonly template: SandboxTemplate | undefined;
  /** Where its files are kept; null: nowhere but in its sandbox. */
  readonly workspacePath: string | null;
}

export function presentSession(
  sandbox: Sandbox,
  { template, workspacePath }: SessionSurroundings,
  lastUsed?: string,
): SessionResponse {
  const { spec } = sandbox;
  const inherited = inheritedOf(sandbox, template);
  const runtime = inherited?.runtime ?? null;
  return {
    id: restIdOf(sandbox),
    template_id: template === undefined ? templateIdOf(sandbox) : restIdOf(template),
    ...stateOf(sandbox),
    resource_limit: resourceLimitOf(sandbox, inherited),
    workspace_path: workspacePath,
    language_runtime: runtime,
    runtime_type: runtime,
    ...placeOf(sandbox),
    env_vars: Object.fromEntries(spec.env.map(({ name, value }) => [name, value])),
    timeout: spec.timeouts.idleSeconds ?? inherited?.idleSeconds ?? 0,
    on_idle: onIdleNameOf(spec.timeouts.onIdle ?? inherited?.onIdle),
    ...presentDependencies(sandbox),
    ...timesOf(sandbox, lastUsed),
  };
}

function stateOf(sandbox: Sandbox): Pick<SessionResponse, 'status' | 'reason' | 'message'> {
  const { reason, message } = sandbox.status ?? {};
  return { status: sessionStatusOf(sandbox), reason: reason ?? null, message: message ?? null };
}

function placeOf({
  status,
}: Sandbox): Pick<SessionResponse, 'runtime_node' | 'container_id' | 'pod_name'> {
  const podName = status?.podName ?? null;
  return { runtime_node: status?.nodeName ?? null, container_id: podName, pod_name: podName };
}

function resourceLimitOf(
  { spec }: Sandbox,
  inherited: Inherited | undefined,
): SessionResponse['resource_limit'] {
  const { cpu, memory, disk } = { ...inherited?.resources, ...spec.resources };
  if (cpu === undefined || memory === undefined || disk === undefined) return null;
  return { cpu, memory, disk, max_processes: MAX_PROCESSES };
}

function timesOf(
  sandbox: Sandbox,
  lastUsed: string | undefined,
): Pick<
  SessionResponse,
  'created_at' | 'updated_at' | 'completed_at' | 'suspended_at' | 'last_activity_at'
> {
  const { status } = sandbox;
  const created = createdAtOf(sandbox);
  const transitions = (status?.conditions ?? []).map((condition) => condition.lastTransitionTime);
  return {
    created_at: created,
    updated_at: latestOf(created, status?.readyAt, status?.terminatedAt, ...transitions),
    completed_at: completedAtOf(sandbox),
    suspended_at: isSuspended(sandbox) ? (status?.suspendedAt ?? null) : null,
    last_activity_at: latestOf(created, status?.lastActivityTime, lastUsed),
  };
}

function completedAtOf({ status }: Sandbox): string | null {
  const ended = status?.conditions?.find(({ type }) => type === SANDBOX_CONDITIONS.terminated);
  return status?.terminatedAt ?? (ended?.status === 'True' ? ended.lastTransitionTime : null);
}
