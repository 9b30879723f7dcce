import type { KubeClient } from '../../kube/client.ts';
import { refOf, type KubeObject, type ResourceType } from '../../kube/objects.ts';
import type { Pod } from '../../kube/pod.ts';
import { NODE_NAME } from './node.ts';

interface Binding extends KubeObject {
  readonly target: { readonly apiVersion: string; readonly kind: 'Node'; readonly name: string };
}

/** Assigns the pod to this node, as a scheduler does: no other write may set `spec.nodeName`. A ConflictError if it has a node. */
export async function bind(pod: Pod, client: KubeClient, signal: AbortSignal): Promise<void> {
  const { namespace, name } = refOf(pod);
  const bindings: ResourceType<Binding> = {
    group: '',
    version: 'v1',
    plural: `pods/${name}/binding`,
    kind: 'Binding',
  };
  const draft = {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name, namespace },
    target: { apiVersion: 'v1', kind: 'Node', name: NODE_NAME } as const,
  };
  await client.create(bindings, draft, signal);
}
