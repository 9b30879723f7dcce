import type { WorkspaceFile } from '../../executor/contract.ts';
import { planStore } from './plan.ts';

function file(path: string, more: Partial<WorkspaceFile> = {}): WorkspaceFile {
  return {
    path,
    size: 10,
    modifiedAt: '2026-01-01T00:00:00.000Z',
    version: 'v1',
    executable: false,
    ...more,
  };
}

const [a, b, c] = [file('a'), file('b'), file('c')];
const newer = file('a', { version: 'v2' });
const script = file('a', { executable: true });

const cases = {
  'an empty workspace has nothing to store': { stored: [], live: [] },
  'new files are put': { stored: [], live: [a, b], put: [a, b] },
  'stored files are kept': { stored: [a, b], live: [b, a], kept: [b, a] },
  'another version is put': { stored: [a, b], live: [newer, b], put: [newer], kept: [b] },
  'another mode is put': { stored: [a], live: [script], put: [script] },
  'what is gone is removed': { stored: [a, b], live: [b], remove: ['a'], kept: [b] },
  'of a listing that is cut nothing counts as gone': {
    stored: [a, b],
    live: [b, c],
    truncated: true,
    put: [c],
    kept: [b, a],
    left: 1,
  },
  'of a listing that is cut, what it shows and is too much goes': {
    stored: [a, b],
    live: [file('b', { size: 95 }), c],
    truncated: true,
    put: [c],
    remove: ['b'],
    kept: [a],
    left: 2,
  },
  'what a listing that is cut does not show counts as well': {
    stored: [file('a', { size: 90 })],
    live: [b, c],
    truncated: true,
    put: [b],
    kept: [file('a', { size: 90 })],
    left: 2,
  },
  'what is too much is left, and what is stored of it goes': {
    stored: [a, b],
    live: [a, file('b', { size: 91 }), c],
    put: [c],
    remove: ['b'],
    kept: [a],
    left: 1,
  },
};

test.each(Object.entries(cases))('%s', (_what, { stored, live, ...expected }) => {
  const { truncated = false, ...plan } = expected as Partial<ReturnType<typeof planStore>> & {
    truncated?: boolean;
  };
  expect(planStore({ files: stored }, { files: live, truncated }, 100)).toEqual({
    put: [],
    remove: [],
    kept: [],
    left: 0,
    ...plan,
  });
});
