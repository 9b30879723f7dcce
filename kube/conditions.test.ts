import { findCondition, isConditionTrue, setCondition } from './conditions.ts';
import type { Condition } from './objects.ts';

const EARLIER = '2026-01-01T00:00:00Z';
const NOW = Date.parse('2026-01-02T03:04:05.678Z');
const ready = { type: 'Ready', status: 'True', reason: 'Up', message: '' } as const;
const existing: readonly Condition[] = [
  { ...ready, lastTransitionTime: EARLIER },
  { type: 'Scheduled', status: 'True', reason: 'Node', message: '', lastTransitionTime: EARLIER },
];

test('a new condition is appended with the time in whole seconds', () => {
  expect(setCondition(undefined, ready, NOW)).toEqual([
    { ...ready, lastTransitionTime: '2026-01-02T03:04:05Z' },
  ]);
});

test('restating a condition changes nothing', () => {
  expect(setCondition(existing, ready, NOW)).toEqual(existing);
});

test('a new reason of the same status keeps the transition time', () => {
  const [first] = setCondition(existing, { ...ready, reason: 'Better' }, NOW);
  expect(first).toEqual({ ...ready, reason: 'Better', lastTransitionTime: EARLIER });
});

test('a changed status moves the transition time and keeps the place and the others', () => {
  const next = setCondition(existing, { ...ready, status: 'False', observedGeneration: 3 }, NOW);
  expect(next).toEqual([
    {
      ...ready,
      status: 'False',
      observedGeneration: 3,
      lastTransitionTime: '2026-01-02T03:04:05Z',
    },
    existing[1],
  ]);
  expect(existing[0]?.status).toBe('True');
});

test('a condition that is missing is not true', () => {
  expect(isConditionTrue(existing, 'Ready')).toBe(true);
  expect(isConditionTrue(undefined, 'Ready')).toBe(false);
  expect(findCondition(existing, 'Other')).toBeUndefined();
});
