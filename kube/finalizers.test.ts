import { aWidget } from '../test/builders/widget.ts';
import { addFinalizerPatch, removeFinalizerPatch } from './finalizers.ts';

const guarded = (finalizers: readonly string[]) => ({
  kind: 'merge',
  body: { metadata: { resourceVersion: '1', finalizers } },
});

test.each([
  ['adding the first', addFinalizerPatch(aWidget(), 'x/y'), guarded(['x/y'])],
  [
    'adding beside another',
    addFinalizerPatch(aWidget({ finalizers: ['a/b'] }), 'x/y'),
    guarded(['a/b', 'x/y']),
  ],
  [
    'adding one that is there',
    addFinalizerPatch(aWidget({ finalizers: ['x/y'] }), 'x/y'),
    undefined,
  ],
  [
    'removing one of two',
    removeFinalizerPatch(aWidget({ finalizers: ['a/b', 'x/y'] }), 'x/y'),
    guarded(['a/b']),
  ],
  ['removing one that is gone', removeFinalizerPatch(aWidget(), 'x/y'), undefined],
])('%s', (_name, patch, expected) => {
  expect(patch).toEqual(expected);
});
