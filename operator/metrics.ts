import { Counter, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import { createdAtOf } from '../crds/identity.ts';
import type { ExecutionStatus } from '../crds/execution.ts';
import type { Sandbox, SandboxStatus } from '../crds/sandbox.ts';
import { timeOf } from './timestamp.ts';

/** What operators of an installation watch; the runtime's own metrics are in kube/metrics.ts. */
export interface OperatorMetrics {
  /** After a sandbox's status was written. */
  sandboxReported(before: Sandbox, status: SandboxStatus): void;
  /** A sandbox got a pod of a pool, so long after it reached for one; `resized`: for other resources than the pod has yet. */
  poolHit(ms: number, result: 'hit' | 'resized'): void;
  /** A sandbox that a pool could have served started a pod of its own. */
  poolMissed(): void;
  /** After an execution's final status was written. */
  executionFinished(status: ExecutionStatus): void;
}

/** What the names of the reference's documents tell of. */
export type ServiceMetrics = Pick<OperatorMetrics, 'sandboxReported' | 'executionFinished'>;

/** Tells each of both. */
export function together(one: OperatorMetrics, other: ServiceMetrics): OperatorMetrics {
  return {
    ...one,
    sandboxReported: (before, status) => {
      one.sandboxReported(before, status);
      other.sandboxReported(before, status);
    },
    executionFinished: (status) => {
      one.executionFinished(status);
      other.executionFinished(status);
    },
  };
}

export const START_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 10, 30, 60, 120];

const CLAIM_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

export function createOperatorMetrics(registry: Registry): OperatorMetrics {
  const registers = [registry];
  const phases = new Counter({
    name: 'sandbox_phase_changes_total',
    help: 'Changes of a sandbox to this phase and reason.',
    labelNames: ['phase', 'reason'],
    registers,
  });
  const starts = new Histogram({
    name: 'sandbox_start_seconds',
    help: 'From the creation of a sandbox to its first Ready.',
    labelNames: ['start'],
    buckets: START_SECONDS,
    registers,
  });
  const resumes = new Histogram({
    name: 'sandbox_resume_seconds',
    help: 'From the wish to resume a suspended sandbox to Ready, its files in place.',
    labelNames: ['start'],
    buckets: START_SECONDS,
    registers,
  });
  const claims = new Counter({
    name: 'sandbox_warm_pool_claims_total',
    help: 'Sandboxes that a warm pool could serve, by whether it had a pod for them.',
    labelNames: ['result'],
    registers,
  });
  const claimSeconds = new Histogram({
    name: 'sandbox_warm_pool_claim_seconds',
    help: "From reaching for a pod of a warm pool until it is the sandbox's, with those reached for in vain.",
    buckets: CLAIM_SECONDS,
    registers,
  });
  const executions = new Counter({
    name: 'sandbox_executions_finished_total',
    help: 'Finished executions by phase and reason.',
    labelNames: ['phase', 'reason'],
    registers,
  });
  return {
    sandboxReported: (before, status) => {
      const { phase = 'Pending', reason = 'PodPending' } = status;
      if (before.status?.phase === phase && before.status.reason === reason) return;
      phases.inc({ phase, reason });
      const seconds = startSeconds(before, status);
      const start = status.warmStart === true ? 'warm' : 'cold';
      if (seconds !== undefined) starts.observe({ start }, seconds);
      const resumed = resumeSeconds(before, status);
      if (resumed !== undefined) resumes.observe({ start }, resumed);
    },
    poolHit: (ms, result) => {
      claims.inc({ result });
      claimSeconds.observe(ms / 1_000);
    },
    poolMissed: () => {
      claims.inc({ result: 'empty' });
    },
    executionFinished: ({ phase = 'Crashed', reason = 'ExecutorLost' }) => {
      executions.inc({ phase, reason });
    },
  };
}

/** How long a start took that is over with this status; undefined: none is. */
export function startSeconds(before: Sandbox, next: SandboxStatus): number | undefined {
  const readyAt = timeOf(next.readyAt);
  const createdAt = createdAtMs(before);
  const isFirst =
    before.status?.readyAt === undefined && (next.restarts ?? 0) + (next.suspensions ?? 0) === 0;
  if (!isFirst || readyAt === undefined || createdAt === undefined) return undefined;
  return Math.max(readyAt - createdAt, 0) / 1_000;
}

function resumeSeconds({ status }: Sandbox, next: SandboxStatus): number | undefined {
  const [readyAt, resumedAt] = [timeOf(next.readyAt), timeOf(next.resumedAt)];
  if (status?.phase !== 'Resuming' || readyAt === undefined || resumedAt === undefined)
    return undefined;
  return Math.max(readyAt - resumedAt, 0) / 1_000;
}

/** The API server tells it to the second; what REST wrote down of it is believed within that second. */
function createdAtMs(sandbox: Sandbox): number | undefined {
  const second = timeOf(sandbox.metadata.creationTimestamp);
  const exact = timeOf(createdAtOf(sandbox));
  if (second === undefined || exact === undefined) return second;
  return exact >= second && exact < second + 1_000 ? exact : second;
}
