import type { Execution } from '../../crds/execution.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import type { StartRequest } from '../../executor/contract.ts';

/** What the executor is asked to run. The sandbox's variables come along: they may have changed since its pod was made, and a pod of a warm pool never knew them. */
export function startRequestOf(
  { spec }: Execution,
  sandbox: Sandbox,
  timeoutMs: number,
): StartRequest {
  const env = [...sandbox.spec.env, ...spec.env];
  return {
    language: spec.language,
    code: spec.code,
    event: spec.event,
    timeoutMs,
    env: Object.fromEntries(env.map(({ name, value }) => [name, value])),
  };
}
