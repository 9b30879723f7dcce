import { anExecution } from '../test/builders/execution.ts';
import { aTemplate } from '../test/builders/sandbox-template.ts';
import {
  aheadOfEach,
  countAhead,
  maxConcurrent,
  nextInQueue,
  placeInQueue,
} from './execution-queue.ts';
import type { Execution } from './execution.ts';
import { ANNOTATION } from './names.ts';

function at(name: string, ms: number, more: Parameters<typeof anExecution>[0] = {}): Execution {
  const createdAt = new Date(Date.UTC(2026, 10, 24) + ms).toISOString();
  const metadata = { name, uid: name, annotations: { [ANNOTATION.createdAt]: createdAt } };
  return anExecution({ ...more, metadata: { ...metadata, ...more.metadata } });
}

const NOBODY = (): boolean => false;

function ahead(name: string, all: readonly Execution[], begun: readonly string[] = []): number {
  const self = all.find(({ metadata }) => metadata.name === name);
  if (self === undefined) throw new Error(`no execution ${name}`);
  return countAhead(self, all, ({ metadata }) => begun.includes(metadata.name));
}

test('those that were created before are ahead, and of the same moment those of an earlier name', () => {
  const all = [at('c', 2), at('a', 2), at('b', 1)];
  expect(['b', 'a', 'c'].map((name) => ahead(name, all))).toEqual([0, 1, 2]);
});

test('one that has begun is ahead whenever it was created', () => {
  const all = [at('early', 1), at('late', 2)];
  expect(ahead('early', all, ['late'])).toBe(1);
});

test.each([
  ['has ended', { status: { phase: 'Completed' } } as const],
  ['is being deleted', { metadata: { deletionTimestamp: '2026-11-24T00:00:01Z' } }],
])('one that %s is in nobody’s way', (_what, more) => {
  const all = [at('first', 1, more), at('second', 2)];
  expect(ahead('second', all)).toBe(0);
  expect(nextInQueue(all, NOBODY, 1).map(({ metadata }) => metadata.name)).toEqual(['second']);
});

test.each([
  [0, 2, 0],
  [1, 2, 0],
  [2, 2, 1],
  [5, 2, 4],
])('with %i ahead and %i at once the place is %i', (count, limit, place) => {
  expect(placeInQueue(count, limit)).toBe(place);
});

test('as many begin as there is room for, the first ones first', () => {
  const all = [at('d', 4), at('b', 2), at('c', 3), at('a', 1)];
  const next = (begun: readonly string[], limit: number): string[] =>
    nextInQueue(all, ({ metadata }) => begun.includes(metadata.name), limit).map(
      ({ metadata }) => metadata.name,
    );
  expect(next([], 2)).toEqual(['a', 'b']);
  expect(next(['a'], 3)).toEqual(['b', 'c']);
  expect(next(['d'], 2)).toEqual(['a']);
  expect(next(['a', 'b', 'c'], 2)).toEqual([]);
});

test('whoever may begin by its own count is among those that are woken, and nobody else', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const all = names.map((name, place) => at(name, place));
  for (let begun = 0; begun < 2 ** names.length; begun += 1) {
    const has = ({ metadata }: Execution): boolean =>
      (begun & (1 << names.indexOf(metadata.name))) !== 0;
    for (const limit of [1, 2, 3, 5]) {
      const free = all.filter(
        (one) => !has(one) && placeInQueue(countAhead(one, all, has), limit) === 0,
      );
      expect(nextInQueue(all, has, limit)).toEqual(free);
    }
    expect(all.map(aheadOfEach(all, has))).toEqual(all.map((one) => countAhead(one, all, has)));
  }
});

test('a new leader, which does not know of the short runs that its predecessor began, begins none beside them', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const all = names.map((name, place) => at(name, place));
  const limit = 3;
  // Turns go by order, so those that have begun are the first of all.
  const begun = names.slice(0, limit);
  for (let recorded = 0; recorded < 2 ** begun.length; recorded += 1) {
    const isKnown = ({ metadata }: Execution): boolean =>
      begun.some((name, place) => name === metadata.name && (recorded & (1 << place)) !== 0);
    const next = nextInQueue(all, isKnown, limit).map(({ metadata }) => metadata.name);
    expect(begun).toEqual(expect.arrayContaining(next));
  }
});

test('of one that nobody knows yet is told who is ahead, too', () => {
  const [first, second, third] = [at('a', 1), at('b', 2), at('c', 3)];
  const ended = at('ended', 0, { status: { phase: 'Completed' } });
  expect(aheadOfEach([third, ended, first], NOBODY)(second)).toBe(1);
});

test('to tell the place of each, each is looked at once', () => {
  const all = Array.from({ length: 100 }, (_, n) => at(String(n), n));
  let looks = 0;
  const ahead = aheadOfEach(all, () => {
    looks += 1;
    return false;
  });
  expect(all.map(ahead)).toEqual(all.map((_, place) => place));
  expect(looks).toBe(all.length);
});

test('the template says how many, and without one the default holds', () => {
  expect(maxConcurrent(aTemplate({ spec: { executions: { maxConcurrent: 3 } } }))).toBe(3);
  expect(maxConcurrent(undefined)).toBe(16);
});
