import type { KubeObject, ResourceType } from './objects.ts';

/** coordination.k8s.io/v1 Lease; times are MicroTime. */
export interface Lease extends KubeObject {
  readonly spec?: {
    /** Empty or absent: free. */
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

export const LEASES: ResourceType<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
};
