import { presentArtifacts } from './present-artifacts.ts';

const THEN = '2026-11-24T07:02:21.310Z';

function present(path: string) {
  return presentArtifacts({ artifacts: [{ path, size: 3 }], finishedAt: THEN })[0];
}

test.each([
  ['output/result.txt', 'output', 'text/plain'],
  ['OUTPUT/a.csv', 'output', 'text/csv'],
  ['logs/a.json', 'log', 'application/json'],
  ['deep/run.LOG', 'log', 'text/plain'],
  ['report.pdf', 'artifact', 'application/pdf'],
  ['outputs/a.png', 'artifact', 'image/png'],
  ['Makefile', 'artifact', 'application/octet-stream'],
  ['a.unheard-of', 'artifact', 'application/octet-stream'],
  ['js', 'artifact', 'application/octet-stream'],
])('%s is of type %s and holds %s', (path, type, mime_type) => {
  expect(present(path)).toEqual({ path, size: 3, type, mime_type, created_at: THEN });
});

test('the checksum is there where it is known', () => {
  const sha256 = 'a'.repeat(64);
  const [artifact] = presentArtifacts({ artifacts: [{ path: 'a', size: 1, sha256 }] });
  expect(artifact).toMatchObject({ checksum: sha256 });
});

test('a run that changed nothing, or has not ended, has none', () => {
  expect(presentArtifacts(undefined)).toEqual([]);
  expect(presentArtifacts({})).toEqual([]);
});
