import { aPodOf } from '../../test/builders/pod.ts';
import { aSandbox } from '../../test/builders/sandbox.ts';
import { MemoryCluster } from '../../test/fakes/memory-cluster.ts';
import { systemClock } from '../../kube/clock.ts';
import type { EnvVar } from '../../kube/pod.ts';
import { resolveEnvironment } from './environment.ts';

async function resolved(...env: readonly EnvVar[]): Promise<Record<string, string>> {
  const container = { name: 'sandbox', image: 'i', env };
  const pod = aPodOf(aSandbox(), { spec: { containers: [container] } });
  return resolveEnvironment(pod, new MemoryCluster(systemClock), AbortSignal.timeout(5_000));
}

test('what a pod says of itself is filled in, and an escaped dollar is one dollar', async () => {
  expect(
    await resolved(
      { name: 'UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
      { name: 'PRICE', value: '$$5 $$(NOT_A_REFERENCE)' },
      { name: 'EMPTY' },
    ),
  ).toEqual({ UID: 'uid-pod-box', PRICE: '$5 $(NOT_A_REFERENCE)', EMPTY: '' });
});

test('a secret that is not there keeps the pod waiting, one that may be missing leaves its variable out', async () => {
  const secretKeyRef = { name: 'nowhere', key: 'k' };
  await expect(resolved({ name: 'A', valueFrom: { secretKeyRef } })).rejects.toMatchObject({
    code: 'CreateContainerConfigError',
    retryable: true,
  });
  const optional = { secretKeyRef: { ...secretKeyRef, optional: true } };
  expect(await resolved({ name: 'A', valueFrom: optional })).toEqual({});
});
