import { z } from 'zod';
import type { ExecutorClient } from '../../executor/client.ts';
import { ExecutorError } from '../../executor/client.ts';
import type { Usage } from '../../executor/contract.ts';
import type { Clock } from '../../kube/clock.ts';
import { withDeadline } from '../deadline.ts';
import type { Executors } from '../executor-of.ts';
import { bytesOf, coresOf } from '../quantities.ts';
import { route, type Route } from '../route.ts';
import { sessionPath, type SessionResponse } from '../schemas/session.ts';
import { usageResponse, type UsageResponse } from '../schemas/usage.ts';
import { presentSession } from '../present-session.ts';
import type { Sessions } from '../sessions.ts';

export interface UsageDeps {
  readonly sessions: Sessions;
  readonly executors: Executors;
  readonly executor: ExecutorClient;
  readonly clock: Clock;
}

const WAIT_MS = 3_000;

export function usageRoutes({ sessions, executors, executor, clock }: UsageDeps): readonly Route[] {
  return [
    route({
      id: 'getSessionUsage',
      method: 'get',
      paths: ['/api/v1/sessions/{session_id}/metrics'],
      tag: 'sessions',
      summary: 'What a live session uses',
      description: 'CPU, memory, disk and processes now. Asking does not count as use.',
      input: z.object({ params: sessionPath }),
      success: { status: 200, description: 'Its use and its limits', schema: usageResponse },
      errors: [
        'SessionNotFound',
        'SessionNotActive',
        'SessionNotReady',
        'SessionSuspended',
        'SandboxUnreachable',
        'SandboxMisbehaved',
      ],
      handle: async ({ params }, { signal, ...context }) => {
        const sandbox = await sessions.get(params.session_id, { ...context, signal });
        const target = await executors.require(sandbox, signal);
        const reason = new ExecutorError('TimedOut', 'no answer in time', { retryable: true });
        const usage = await withDeadline(
          { clock, ms: WAIT_MS, reason, signals: [signal] },
          (bounded) => executor.usage(target, bounded).catch(rethrow(bounded)),
        );
        const session = presentSession(sandbox, sessions.surroundingsOf(sandbox));
        return present(session, usage, new Date(clock.now()).toISOString());
      },
    }),
  ];
}

/** The client's own error says only that the call was given up, not why. */
function rethrow(signal: AbortSignal): (error: unknown) => never {
  return (error) => {
    signal.throwIfAborted();
    throw error;
  };
}

function present(
  { id, resource_limit: limit }: SessionResponse,
  { cpuMs, memoryBytes, processes, workspace }: Usage,
  measuredAt: string,
): UsageResponse {
  const { bytes, entries, complete } = workspace;
  return {
    session_id: id,
    measured_at: measuredAt,
    cpu: { used_seconds: cpuMs / 1_000, limit_cores: limit && coresOf(limit.cpu) },
    memory: { used_bytes: memoryBytes, limit_bytes: limit && bytesOf(limit.memory) },
    disk: { used_bytes: bytes, limit_bytes: limit && bytesOf(limit.disk), entries, complete },
    processes,
  };
}
