import type { ObjectMeta } from '../../kube/objects.ts';
import type { ContainerState, Pod, PodStatus } from '../../kube/pod.ts';
import { LABEL, MANAGED_BY } from '../../crds/names.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import { controllerReference } from '../../kube/owner-reference.ts';
import { metadataOf } from './metadata.ts';

export interface PodOverrides {
  readonly metadata?: Partial<ObjectMeta>;
  readonly spec?: Partial<Pod['spec']>;
  readonly status?: PodStatus;
}

/** A pod of `sandbox` that nobody has scheduled yet; its UID is `uid-pod-<name>`. */
export function aPodOf(sandbox: Sandbox, { metadata, spec, status }: PodOverrides = {}): Pod {
  const name = metadata?.name ?? sandbox.metadata.name;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: metadataOf(name, {
      uid: `uid-pod-${name}`,
      labels: { [LABEL.sandbox]: sandbox.metadata.name, [LABEL.managedBy]: MANAGED_BY },
      ownerReferences: [controllerReference(sandbox)],
      ...metadata,
    }),
    spec: { containers: [{ name: 'sandbox', image: 'sandbox-template-python-basic' }], ...spec },
    status: status ?? { phase: 'Pending' },
  };
}

/** A pod of `sandbox` whose container runs. */
export function aRunningPodOf(
  sandbox: Sandbox,
  { metadata, spec, status }: PodOverrides = {},
): Pod {
  return aPodOf(sandbox, {
    ...(metadata === undefined ? {} : { metadata }),
    spec: { nodeName: 'node-1', ...spec },
    status: status ?? { phase: 'Running', podIP: '10.0.0.1', ...containerIn({ running: {} }) },
  });
}

/** The part of a pod's status that tells of its one container. */
export function containerIn(state: ContainerState): Pick<PodStatus, 'containerStatuses'> {
  const ready = state.running !== undefined;
  return { containerStatuses: [{ name: 'sandbox', ready, restartCount: 0, state }] };
}
