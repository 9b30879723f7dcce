import * as fc from 'fast-check';
import { mergePatchBetween, statusPatch } from './merge-patch.ts';

test.each([
  [
    'equal objects need no patch',
    { a: { b: [1, { c: 2 }] } },
    { a: { b: [1, { c: 2 }] } },
    undefined,
  ],
  [
    'a changed leaf is all that is sent',
    { a: { b: 1, c: 1 } },
    { a: { b: 2, c: 1 } },
    { a: { b: 2 } },
  ],
  ['what is gone becomes null', { a: 1, b: 2 }, { b: 2 }, { a: null }],
  ['undefined counts as absent', { a: 1 }, { a: undefined }, { a: null }],
  ['a list is sent whole', { a: [1, 2] }, { a: [1, 3] }, { a: [1, 3] }],
  ['a map in place of a leaf is sent whole', { a: 1 }, { a: { b: 1 } }, { a: { b: 1 } }],
])('%s', (_name, before, after, patch) => {
  expect(mergePatchBetween(before, after)).toEqual(patch);
});

/** RFC 7386, section 2, as the server applies it. */
function apply(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result = new Map<string, unknown>(
    typeof target === 'object' && target !== null && !Array.isArray(target)
      ? Object.entries(target)
      : [],
  );
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, apply(result.get(key), value));
  }
  return Object.fromEntries(result);
}

test('applying the patch to the old object gives the new one', () => {
  const { object } = fc.letrec((tie) => ({
    leaf: fc.oneof(
      fc.integer(),
      fc.string(),
      fc.boolean(),
      fc.array(fc.integer(), { maxLength: 3 }),
    ),
    object: fc.dictionary(
      fc.constantFrom('a', 'b', 'c'),
      fc.oneof({ maxDepth: 3 }, tie('leaf'), tie('object')),
      { noNullPrototype: true },
    ),
  }));
  fc.assert(
    fc.property(object, object, (before, after) => {
      const patch = mergePatchBetween(before, after);
      expect(patch === undefined ? before : apply(before, patch)).toEqual(after);
    }),
  );
});

test('a status patch touches the status only, and is none when nothing changed', () => {
  expect(statusPatch({ status: { phase: 'Old' } }, { phase: 'New' })).toEqual({
    kind: 'merge',
    body: { status: { phase: 'New' } },
  });
  expect(statusPatch({}, { phase: 'New' })).toEqual({
    kind: 'merge',
    body: { status: { phase: 'New' } },
  });
  expect(statusPatch({ status: { phase: 'New' } }, { phase: 'New' })).toBeUndefined();
});
