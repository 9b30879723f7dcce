import { decodePath, pathNames } from './workspace-path.ts';

const problem = (code: string): Error => expect.objectContaining({ code }) as Error;

describe('a path below the workspace', () => {
  it.each([
    ['a.txt', ['a.txt']],
    ['a/b/c', ['a', 'b', 'c']],
    ['..a/b..', ['..a', 'b..']],
    ['...', ['...']],
    ['ä b/🚀', ['ä b', '🚀']],
    ['a\\..\\b', ['a\\..\\b']],
  ])('may be %s', (path, names) => {
    expect(pathNames(path)).toEqual(names);
  });

  it.each([
    '',
    '/',
    '/etc/passwd',
    'a//b',
    'a/',
    '..',
    '../x',
    'a/../b',
    'a/..',
    '.',
    './a',
    'a/./b',
    'a\0b',
    'a/'.repeat(3_000) + 'a',
    'x'.repeat(256),
  ])('must not be %j', (path) => {
    expect(() => pathNames(path)).toThrow(problem('BadRequest'));
  });
});

describe('a path in a URL', () => {
  it('is percent-decoded', () => {
    expect(decodePath('a%20b/%F0%9F%9A%80')).toBe('a b/🚀');
  });

  it.each(['a%2Fb', 'a%2fb', '%', '%FF'])('must not be %s', (encoded) => {
    expect(() => decodePath(encoded)).toThrow(problem('BadRequest'));
  });
});
