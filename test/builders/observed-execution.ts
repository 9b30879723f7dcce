import type { Observed } from '../../operator/execution/observe.ts';
import type { RunProgress, RunView } from '../../operator/execution/runs.ts';
import { anExecution } from './execution.ts';
import { BORN, SECOND, target } from './observed-sandbox.ts';
import { aRunningPodOf } from './pod.ts';
import { aSandbox, readyStatus } from './sandbox.ts';
import { aTemplate } from './sandbox-template.ts';

/** A run on the pod `box` that this process has followed for two seconds. */
export function aRun(progress: RunProgress, overrides: Partial<RunView> = {}): RunView {
  const since = BORN + 8 * SECOND;
  return { podName: 'box', podUID: 'uid-pod-box', since, progress, ...overrides };
}

/** A new execution on a sandbox that serves, ten seconds after its creation. */
export function seenExecution(overrides: Partial<Observed> = {}): Observed {
  const sandbox = aSandbox({ status: readyStatus() });
  return {
    execution: anExecution(),
    sandbox,
    template: aTemplate(),
    pod: aRunningPodOf(sandbox),
    target,
    run: undefined,
    ahead: 0,
    isNewcomer: true,
    isMirrored: undefined,
    now: BORN + 10 * SECOND,
    ...overrides,
  };
}
