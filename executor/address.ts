import type { ExecutorAddress } from './client.ts';
import { EXECUTOR_PORT } from './contract.ts';

/** The part of a Pod that tells where it is. */
interface Located {
  readonly status?: { readonly podIP?: string };
}

/** Where the executor of a pod in a cluster listens; undefined as long as the pod has no address. */
export function clusterAddressOf({ status }: Located): ExecutorAddress | undefined {
  const host = status?.podIP;
  return host === undefined || host === '' ? undefined : { kind: 'tcp', host, port: EXECUTOR_PORT };
}
