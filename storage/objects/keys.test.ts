import path from 'node:path';
import fc from 'fast-check';
import { checkKey, checkPrefix } from './keys.ts';

const badKey = expect.objectContaining({ code: 'BadKey' });

test.each([
  ['nothing', ''],
  ['an absolute path', '/a'],
  ['an empty segment', 'a//b'],
  ['a slash at the end', 'a/'],
  ['the folder itself', 'a/./b'],
  ['the folder above', '../a'],
  ['the folder above, at the end', 'a/..'],
  ['NUL', 'a\0b'],
  ['half a character', 'a\ud800'],
  ['a segment that no folder could hold', 'a'.repeat(256)],
  ['more bytes than S3 takes', `${'ab/'.repeat(400)}c`],
])('%s is no key', (_what, key) => {
  expect(() => checkKey(key)).toThrow(badKey);
});

test.each(['a', 'a/b c/ü', '.hidden', '...', 'a..b', 'a\\b', 'a\nb', '%2e%2e/x', 'a'.repeat(255)])(
  '%j is a key',
  (key) => {
    expect(checkKey(key)).toBe(key);
  },
);

test('a prefix ends in a slash, so that no other name begins with it', () => {
  expect(checkPrefix('sessions/s1/')).toBe('sessions/s1/');
  for (const prefix of ['sessions/s1', '/', '', '../', 'a//'])
    expect(() => checkPrefix(prefix)).toThrow(badKey);
});

test('whatever is a key stays below a folder that it is joined to, and says its place', () => {
  const segments = fc.array(fc.constantFrom('a', '', '.', '..', '...', '\0', '~', '%2f'));
  fc.assert(
    fc.property(segments, (names) => {
      const key = names.join('/');
      try {
        checkKey(key);
      } catch {
        return;
      }
      expect(path.join('/root', key)).toBe(`/root/${key}`);
    }),
  );
});
