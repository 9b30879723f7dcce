import type { Execution } from '../../crds/execution.ts';
import type { StartRequest } from '../../executor/contract.ts';

/** What the executor is asked to run. */
export function startRequestOf({ spec }: Execution, timeoutMs: number): StartRequest {
  return {
    language: spec.language,
    code: spec.code,
    event: spec.event,
    timeoutMs,
    env: Object.fromEntries(spec.env.map(({ name, value }) => [name, value])),
  };
}
