import type { ObjectMeta } from '../../kube/objects.ts';

/** When everything built here was created, unless a test says otherwise. */
export const CREATED_AT = '2026-01-01T00:00:00Z';

export function metadataOf(name: string, overrides: Partial<ObjectMeta> = {}): ObjectMeta {
  return {
    name,
    namespace: 'default',
    uid: `uid-${name}`,
    resourceVersion: '1',
    creationTimestamp: CREATED_AT,
    generation: 1,
    ...overrides,
  };
}
