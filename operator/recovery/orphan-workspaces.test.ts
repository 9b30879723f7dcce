import { planWorkspaces, type StoredAndKnown } from './orphan-workspaces.ts';

const DAY_MS = 86_400_000;

interface Case {
  readonly stored: string[];
  readonly known?: string[];
  readonly orphans?: Record<string, number>;
  readonly plan: Partial<ReturnType<typeof planWorkspaces>>;
}

const cases: Readonly<Record<string, Case>> = {
  'files of a sandbox stay': { stored: ['a'], known: ['a'], plan: {} },
  'files that nobody has are noted first': { stored: ['a'], plan: { add: ['a'] } },
  'and stay for a while': { stored: ['a'], orphans: { a: DAY_MS }, plan: {} },
  'and go after that': { stored: ['a'], orphans: { a: 0 }, plan: { remove: ['a'] } },
  'files that somebody has after all stay': {
    stored: ['a'],
    known: ['a'],
    orphans: { a: 0 },
    plan: { drop: ['a'] },
  },
  'files that are gone are noted no more': { stored: [], orphans: { a: 0 }, plan: { drop: ['a'] } },
};

test.each(Object.entries(cases))('%s', (_, { stored, known = [], orphans = {}, plan }) => {
  const seen: StoredAndKnown = {
    stored: new Set(stored),
    known: new Set(known),
    orphans: new Map(Object.entries(orphans)),
    now: DAY_MS + 1,
    graceMs: DAY_MS,
  };
  expect(planWorkspaces(seen)).toEqual({ add: [], drop: [], remove: [], ...plan });
});
