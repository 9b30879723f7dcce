import { aWidget } from '../test/builders/widget.ts';
import type { Widget } from '../test/builders/widget.ts';
import type { Change } from './cache.ts';
import type { ObjectMeta } from './objects.ts';
import {
  allOf,
  annotationsChanged,
  anyOf,
  changed,
  deletionChanged,
  generationChanged,
  labelsChanged,
  not,
} from './predicates.ts';

const updated = (
  before: Partial<ObjectMeta>,
  after: Partial<ObjectMeta>,
): Change<Widget> & { type: 'updated' } => ({
  type: 'updated',
  previous: aWidget(before),
  object: aWidget(after),
});

const changes = {
  status: updated({ generation: 1 }, { generation: 1, resourceVersion: '2' }),
  spec: updated({ generation: 1 }, { generation: 2 }),
  labels: updated({ labels: { a: '1' } }, { labels: { a: '2' } }),
  annotations: updated({}, { annotations: { a: '2' } }),
  deletion: updated({}, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
};

test.each([
  ['generationChanged', generationChanged, ['spec']],
  ['labelsChanged', labelsChanged, ['labels']],
  ['annotationsChanged', annotationsChanged, ['annotations']],
  ['deletionChanged', deletionChanged, ['deletion']],
  ['anyOf', anyOf(generationChanged, deletionChanged), ['spec', 'deletion']],
  ['allOf', allOf(generationChanged, deletionChanged), []],
  ['not', not(generationChanged), ['status', 'labels', 'annotations', 'deletion']],
  ['changed', changed((widget: Widget) => widget.metadata.resourceVersion), ['status']],
])('of all updates %s passes only its own', (_name, predicate, passed) => {
  const names = Object.entries(changes).filter(([, change]) => predicate(change));
  expect(names.map(([name]) => name)).toEqual(passed);
});

test('additions and deletions always pass', () => {
  const object = aWidget();
  expect(generationChanged({ type: 'added', object, initial: false })).toBe(true);
  expect(generationChanged({ type: 'deleted', object })).toBe(true);
});
