import type { SandboxStatus } from '../../crds/sandbox.ts';
import type { Observed } from '../../operator/sandbox/observe.ts';
import type { Policy } from '../../operator/sandbox/decision.ts';
import { DEFAULT_INDEX_POLICY } from '../../operator/package-index/allowed.ts';
import { DEFAULT_SETTINGS } from '../../operator/settings.ts';
import { CREATED_AT } from './metadata.ts';
import { aRunningPodOf } from './pod.ts';
import { aSandbox, readyStatus } from './sandbox.ts';
import { aTemplate } from './sandbox-template.ts';

export const BORN = Date.parse(CREATED_AT);
export const SECOND = 1_000;
export const HOUR = 3_600 * SECOND;
export const policy: Policy = {
  ...DEFAULT_SETTINGS,
  indexes: DEFAULT_INDEX_POLICY,
  pod: { executorPublicKey: 'cHVibGlj', executorListen: 'tcp://0.0.0.0:8080' },
};
export const target = {
  podUID: 'uid-pod-box',
  address: { kind: 'tcp', host: '10.0.0.1', port: 8080 },
} as const;

/** A new sandbox without a pod, ten seconds after its creation. */
export function seen(overrides: Partial<Observed> = {}): Observed {
  const { pod } = overrides;
  return {
    sandbox: aSandbox(),
    template: aTemplate(),
    pods: pod === undefined ? [] : [pod],
    pod: undefined,
    target: undefined,
    executor: {},
    workspace: undefined,
    executions: [],
    install: undefined,
    nodes: [],
    pool: undefined,
    learned: undefined,
    isMirrored: undefined,
    now: BORN + 10 * SECOND,
    ...overrides,
  };
}

/** A sandbox that has served since its creation. */
export function serving(
  overrides: Partial<Observed> = {},
  status: Partial<SandboxStatus> = {},
): Observed {
  const sandbox = overrides.sandbox ?? aSandbox({ status: readyStatus(status) });
  const pod = aRunningPodOf(sandbox);
  const now = overrides.now ?? BORN + 10 * SECOND;
  return seen({ sandbox, pod, pods: [pod], target, executor: { answeredAt: now }, ...overrides });
}
