import type { KubeObject, ResourceType } from '../../kube/objects.ts';

/** Of core/v1, as far as a benchmark makes one of its own and takes it away with all that is in it. */
export type Namespace = KubeObject;

export const NAMESPACES: ResourceType<Namespace> = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
};
