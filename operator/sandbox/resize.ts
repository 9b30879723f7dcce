import { LABEL } from '../../crds/names.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import type { SandboxTemplate } from '../../crds/sandbox-template.ts';
import type { Patch } from '../../kube/client.ts';
import { isSameQuantity } from '../../kube/quantity.ts';
import type { Container, Pod } from '../../kube/pod.ts';

/**
 * In-place resize of a pod (KEP-1287): one that was taken from a pool for a sandbox with other resources than the template's. Its label says so from the
 * claim on; the rest is in the pod itself, so that nothing has to be remembered.
 */

const RESIZABLE = ['cpu', 'memory'] as const;

/** What a pod is to have, as far as its sandbox says. */
export type Amounts = Readonly<Partial<Record<(typeof RESIZABLE)[number], string>>>;

/** Whether a pod of the template's pool can become what such a sandbox asks for without being made anew. */
export function fitsResized(
  { spec: { resources } }: Pick<Sandbox, 'spec'>,
  { spec: { isolation, resources: inherited } }: SandboxTemplate,
): boolean {
  // The guest of gVisor and Kata goes on to see the size that it was booted with (google/gvisor#14141, #14409).
  if (isolation.runtimeClassName !== undefined) return false;
  if (!isSame(resources.disk, inherited.disk)) return false;
  // A pod may not change its QoS class, and one that says how much cpu it wants requests all of it.
  return isSame(resources.cpu, inherited.cpu) || isSame(inherited.cpuRequest, inherited.cpu);
}

function isSame(said: string | undefined, otherwise: string): boolean {
  return said === undefined || isSameQuantity(said, otherwise);
}

export function amountsOf({ spec: { resources } }: Sandbox): Amounts {
  const said = RESIZABLE.filter((what) => resources[what] !== undefined);
  return Object.fromEntries(said.map((what) => [what, resources[what]]));
}

/** Of exactly this pod. What a container may use at most and what is set aside for it are one. */
export function resizePatch(pod: Pod, amounts: Amounts): Patch {
  const changes = Object.entries(amounts).flatMap(([what, value]) =>
    ['requests', 'limits'].map((part) => ({
      op: 'replace',
      path: `/spec/containers/0/resources/${part}/${what}`,
      value,
    })),
  );
  return {
    kind: 'json',
    body: [{ op: 'test', path: '/metadata/uid', value: pod.metadata.uid }, ...changes],
  };
}

/** How far the resize of a pod is, by what is asked of the server, and by what its node says that the container has. */
export function resizeOf(
  sandbox: Sandbox,
  pod: Pod | undefined,
): 'none' | 'unasked' | 'going' | 'refused' | 'applied' {
  if (pod?.metadata.labels?.[LABEL.resize] === undefined) return 'none';
  const amounts = amountsOf(sandbox);
  const [asked] = pod.spec.containers;
  if (!hasLimits(asked?.resources, amounts)) return 'unasked';
  if (hasLimits(applied(pod), amounts)) return 'applied';
  return isPending(pod) ? 'refused' : 'going';
}

function applied({ status }: Pod): Container['resources'] {
  return status?.containerStatuses?.[0]?.resources;
}

function hasLimits(resources: Container['resources'], amounts: Amounts): boolean {
  return Object.entries(amounts).every(([what, amount]) => {
    const limit = resources?.limits?.[what];
    return limit !== undefined && isSameQuantity(limit, amount);
  });
}

/** Deferred until there is room on its node, or never to be. */
function isPending({ status }: Pod): boolean {
  return (
    status?.conditions?.some(
      (condition) => condition.type === 'PodResizePending' && condition.status === 'True',
    ) === true
  );
}
