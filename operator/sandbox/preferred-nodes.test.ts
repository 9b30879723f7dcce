import { aPodOf, aRunningPodOf, containerIn } from '../../test/builders/pod.ts';
import { aSandbox } from '../../test/builders/sandbox.ts';
import { aTemplate } from '../../test/builders/sandbox-template.ts';
import type { Pod } from '../../kube/pod.ts';
import { buildPod, poolMake } from './pod.ts';
import { preferredNodes, preferring } from './preferred-nodes.ts';

const settings = { executorPublicKey: 'cHVibGlj', executorListen: 'tcp://0.0.0.0:8080' };
const template = aTemplate({ spec: { scheduling: { podsPerNode: 3 } } });

function on(nodeName: string | undefined, pod: Pod = aRunningPodOf(aSandbox())): Pod {
  const { nodeName: _none, ...spec } = pod.spec;
  return { ...pod, spec: nodeName === undefined ? spec : { ...spec, nodeName } };
}

const waiting = on(undefined, aPodOf(aSandbox()));
const leaving = aRunningPodOf(aSandbox(), {
  metadata: { deletionTimestamp: '2026-11-24T07:00:00Z' },
});
const over = aPodOf(aSandbox(), {
  status: { phase: 'Failed', ...containerIn({ terminated: { exitCode: 1 } }) },
});

describe('with three pods wished on a node', () => {
  test.each([
    ['no pod runs anywhere', [], []],
    ['nodes run some', [on('a'), on('b'), on('b')], ['b', 'a']],
    ['nodes run as many, by name', [on('b'), on('a')], ['a', 'b']],
    ['a node is filled', [on('a'), on('a'), on('a'), on('b')], ['b']],
    ['all are filled', [on('a'), on('a'), on('a')], []],
    ['a pod there goes', [on('a', leaving), on('b')], ['b']],
    ['a pod there is over', [on('a', over), on('b')], ['b']],
    ['fewer wait for a node than have places', [on('a'), waiting], ['a']],
    ['as many wait for a node as have places', [on('a'), waiting, waiting], []],
  ] as const)('where %s', (_what, pods, nodes) => {
    expect(preferredNodes(template, pods)).toEqual(nodes);
  });
});

test('a template that wishes none on a node prefers none', () => {
  const none = aTemplate({ spec: { scheduling: { podsPerNode: 0 } } });
  expect(preferredNodes(none, [on('a')])).toEqual([]);
});

test('a pod names a bounded number of nodes, the fullest', () => {
  const names = Array.from({ length: 40 }, (_, n) => `node-${String(n).padStart(2, '0')}`);
  const pods = [...names.map((name) => on(name)), on('node-39')];
  const nodes = preferredNodes(template, pods);
  expect(nodes).toHaveLength(16);
  expect(nodes[0]).toBe('node-39');
});

test('it is a wish and no constraint, by the name of each node alike', () => {
  const draft = buildPod(aSandbox(), template, settings);
  expect(preferring(draft, ['a', 'b']).spec.affinity).toEqual({
    nodeAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: ['a', 'b'].map((name) => ({
        weight: 100,
        preference: { matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] },
      })),
    },
  });
  expect(preferring(draft, [])).toBe(draft);
});

test('how many are wished on a node makes no other pod, so a pool is not rolled for it', () => {
  const other = aTemplate({ spec: { scheduling: { podsPerNode: 7 } } });
  expect(poolMake(other, settings)).toBe(poolMake(template, settings));
});
