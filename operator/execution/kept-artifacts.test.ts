import type { Artifact, FinalState } from '../../executor/contract.ts';
import { keptArtifacts } from './kept-artifacts.ts';

const LIMITS = { artifacts: 3, artifactsBytes: 100 };

function kept(artifacts?: Artifact[], artifactsTruncated?: boolean): object {
  const told = { artifacts, artifactsTruncated } as Partial<FinalState>;
  return keptArtifacts(told as FinalState, LIMITS);
}

const file = (path: string): Artifact => ({ path, size: 1 });

test.each([
  ['an executor that says nothing of files', undefined, undefined, {}],
  ['no changed file', [], false, {}],
  ['a few', [file('a'), file('b')], false, { artifacts: [file('a'), file('b')] }],
  [
    'more than the executor names',
    [file('a')],
    true,
    { artifacts: [file('a')], artifactsTruncated: true },
  ],
  [
    'more than a status may name',
    [file('a'), file('b'), file('c'), file('d')],
    false,
    { artifacts: [file('a'), file('b'), file('c')], artifactsTruncated: true },
  ],
  [
    'names longer than a status may hold',
    [file('a'), file('b'.repeat(90))],
    false,
    { artifacts: [file('a')], artifactsTruncated: true },
  ],
])('of %s a status keeps what fits, and says so', (_what, artifacts, truncated, expected) => {
  expect(kept(artifacts, truncated)).toEqual(expected);
});
