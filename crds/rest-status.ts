import type { Execution, ExecutionPhase } from './execution.ts';
import type { Sandbox, SandboxPhase } from './sandbox.ts';

/** The words that REST has for where an object is in its life: lists are filtered by them, live and past. */

export const SESSION_STATUSES = [
  'creating',
  'running',
  'suspending',
  'suspended',
  'completed',
  'failed',
  'timeout',
  'terminated',
] as const;
export type SessionStatus = (typeof SESSION_STATUSES)[number];

export const EXECUTION_STATUSES = [
  'pending',
  'running',
  'completed',
  'failed',
  'timeout',
  'crashed',
  'cancelled',
] as const;
export type ExecutionStatusName = (typeof EXECUTION_STATUSES)[number];

/** Recovering and Resuming are `creating`: as after a create, executions are accepted and wait until the new pod is ready. */
const STATUS_OF_SANDBOX: Readonly<Record<SandboxPhase, SessionStatus>> = {
  Pending: 'creating',
  Running: 'running',
  Recovering: 'creating',
  Suspending: 'suspending',
  Suspended: 'suspended',
  Resuming: 'creating',
  Terminating: 'terminated',
  Terminated: 'terminated',
  Failed: 'failed',
};

const STATUS_OF_EXECUTION: Readonly<Record<ExecutionPhase, ExecutionStatusName>> = {
  Pending: 'pending',
  Running: 'running',
  Completed: 'completed',
  Failed: 'failed',
  TimedOut: 'timeout',
  Crashed: 'crashed',
  Cancelled: 'cancelled',
};

/** The wish to terminate cannot be taken back and refuses executions at once, so it already counts as terminated. */
export function sessionStatusOf(sandbox: Sandbox): SessionStatus {
  if (sandbox.spec.desiredState === 'Terminated') return 'terminated';
  return STATUS_OF_SANDBOX[sandbox.status?.phase ?? 'Pending'];
}

export function executionStatusOf(execution: Execution): ExecutionStatusName {
  return STATUS_OF_EXECUTION[execution.status?.phase ?? 'Pending'];
}
