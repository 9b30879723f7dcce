import type { KubeObject, ObjectMeta, ResourceType } from '../../kube/objects.ts';

/** A kind that exists for tests of `kube/`, which knows none of the real ones. */
export interface Widget extends KubeObject {
  readonly spec?: { readonly size?: number; readonly colour?: string };
  readonly status?: { readonly ready?: boolean };
}

export const WIDGETS: ResourceType<Widget> = {
  group: 'example.com',
  version: 'v1',
  plural: 'widgets',
  kind: 'Widget',
};

/** A valid widget in namespace `default`; name what the test is about. */
export function aWidget(
  metadata: Partial<ObjectMeta> = {},
  rest: Omit<Widget, 'apiVersion' | 'kind' | 'metadata'> = {},
): Widget {
  const name = metadata.name ?? 'a';
  return {
    apiVersion: 'example.com/v1',
    kind: 'Widget',
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-${name}`,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
    ...rest,
  };
}
