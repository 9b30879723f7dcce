import type { ExecutorAddress } from '../executor/client.ts';
import { EXECUTOR_PORT } from '../executor/contract.ts';
import type { Pod } from '../kube/pod.ts';

/** Where the executor of a pod in a cluster listens; undefined as long as the pod has no address. */
export function clusterAddressOf({ status }: Pod): ExecutorAddress | undefined {
  const host = status?.podIP;
  return host === undefined || host === '' ? undefined : { kind: 'tcp', host, port: EXECUTOR_PORT };
}
