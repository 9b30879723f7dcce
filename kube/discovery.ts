import type { KubeObject, ResourceType } from './objects.ts';

/** What the API server says of itself. */
export interface Discovery {
  /** Whether it has a subresource of a kind. */
  serves(
    type: ResourceType<KubeObject>,
    subresource: string,
    signal?: AbortSignal,
  ): Promise<boolean>;
}
