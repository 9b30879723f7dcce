import { API_VERSION, FINALIZER } from '../../crds/names.ts';
import { sandboxSpec } from '../../crds/sandbox.ts';
import type { Sandbox, SandboxStatus } from '../../crds/sandbox.ts';
import type { ObjectMeta } from '../../kube/objects.ts';
import { CREATED_AT, metadataOf } from './metadata.ts';

export interface SandboxOverrides {
  readonly metadata?: Partial<ObjectMeta>;
  readonly spec?: Partial<Record<keyof Sandbox['spec'], unknown>>;
  readonly status?: SandboxStatus;
}

/** The sandbox `box` of `python-basic`, just created; name what the test is about. */
export function aSandbox({ metadata, spec, status }: SandboxOverrides = {}): Sandbox {
  return {
    apiVersion: API_VERSION,
    kind: 'Sandbox',
    metadata: metadataOf(metadata?.name ?? 'box', {
      finalizers: [FINALIZER.sandbox],
      ...metadata,
    }),
    spec: sandboxSpec.parse({ templateRef: { name: 'python-basic' }, ...spec }),
    ...(status === undefined ? {} : { status }),
  };
}

/** The status of a sandbox that serves on the pod of the same name. */
export function readyStatus(overrides: Partial<SandboxStatus> = {}): SandboxStatus {
  return {
    phase: 'Running',
    reason: 'ExecutorAnswering',
    podName: 'box',
    podUID: 'uid-pod-box',
    readyAt: CREATED_AT,
    lastActivityTime: CREATED_AT,
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'ExecutorAnswering',
        message: '',
        lastTransitionTime: CREATED_AT,
        observedGeneration: 1,
      },
    ],
    ...overrides,
  };
}
