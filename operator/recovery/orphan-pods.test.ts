import { aPodOf } from '../../test/builders/pod.ts';
import { aSandbox } from '../../test/builders/sandbox.ts';
import type { Pod } from '../../kube/pod.ts';
import { orphanPods } from './orphan-pods.ts';

const box = aSandbox();
const born = Date.parse(aPodOf(box).metadata.creationTimestamp);
const MINUTE_MS = 60_000;

function aPod(metadata: Partial<Pod['metadata']> = {}): Pod {
  const pod = aPodOf(box);
  return { ...pod, metadata: { ...pod.metadata, ...metadata } };
}

const deployment = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'uid-web' };
const cases: Readonly<Record<string, { pod: Pod; owners?: string[]; now?: number; is: boolean }>> =
  {
    'of a sandbox that is there': { pod: aPod(), owners: ['uid-box'], is: false },
    'of a sandbox that is gone': { pod: aPod(), is: true },
    'of a sandbox of the same name that came later': {
      pod: aPod(),
      owners: ['uid-other'],
      is: true,
    },
    'that never had an owner': { pod: aPod({ ownerReferences: [] }), is: true },
    'without an owner, of somebody who manages things as we do': {
      pod: aPod({ ownerReferences: [], labels: { 'app.kubernetes.io/managed-by': 'x' } }),
      is: false,
    },
    'of somebody else’s controller': {
      pod: aPod({ ownerReferences: [{ ...deployment, controller: true }] }),
      is: false,
    },
    'that is on its way out': {
      pod: aPod({ deletionTimestamp: '2026-01-01T00:00:00Z' }),
      is: false,
    },
    'from a moment ago, whose sandbox no cache shows yet': {
      pod: aPod(),
      now: born + MINUTE_MS - 1,
      is: false,
    },
  };

test.each(Object.entries(cases))(
  'a pod %s',
  (_, { pod, owners = [], now = born + MINUTE_MS, is }) => {
    expect(orphanPods({ pods: [pod], owners: new Set(owners), now })).toEqual(is ? [pod] : []);
  },
);
