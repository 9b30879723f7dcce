import { strategicMerge } from './strategic-merge.ts';

const POD = {
  metadata: { labels: { a: '1' }, finalizers: ['x/a', 'x/b'] },
  spec: {
    containers: [
      { name: 'one', image: 'one:1', env: [{ name: 'A', value: '1' }] },
      { name: 'two', image: 'two:1' },
    ],
    tolerations: [{ key: 'a' }],
  },
};

test.each([
  ['merges objects', { metadata: { labels: { b: '2' } } }, 'metadata.labels', { a: '1', b: '2' }],
  ['removes what is null', { metadata: { labels: { a: null } } }, 'metadata.labels', {}],
  [
    'merges lists by key, at every depth',
    { spec: { containers: [{ name: 'one', env: [{ name: 'B', value: '2' }] }] } },
    'spec.containers.0',
    {
      name: 'one',
      image: 'one:1',
      env: [
        { name: 'A', value: '1' },
        { name: 'B', value: '2' },
      ],
    },
  ],
  [
    'deletes an item of a list',
    { spec: { containers: [{ name: 'one', $patch: 'delete' }] } },
    'spec.containers',
    [{ name: 'two', image: 'two:1' }],
  ],
  [
    'replaces a list where it is told to',
    { spec: { containers: [{ $patch: 'replace' }, { name: 'three' }] } },
    'spec.containers',
    [{ name: 'three' }],
  ],
  [
    'replaces a list without keys',
    { spec: { tolerations: [{ key: 'b' }] } },
    'spec.tolerations',
    [{ key: 'b' }],
  ],
  [
    'replaces an object where it is told to',
    { metadata: { $patch: 'replace', labels: {} } },
    'metadata',
    { labels: {} },
  ],
  [
    'adds to a set',
    { metadata: { finalizers: ['x/b', 'x/c'] } },
    'metadata.finalizers',
    ['x/a', 'x/b', 'x/c'],
  ],
  [
    'deletes from a set',
    { metadata: { '$deleteFromPrimitiveList/finalizers': ['x/a'] } },
    'metadata.finalizers',
    ['x/b'],
  ],
  [
    'ignores the wished order',
    { spec: { '$setElementOrder/containers': [{ name: 'two' }] } },
    'spec',
    POD.spec,
  ],
])('%s', (_, patch, at, expected) => {
  expect(strategicMerge(POD, patch)).toHaveProperty(at, expected);
});
