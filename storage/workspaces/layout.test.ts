import { fileKey, filesPrefix, idOfManifest, manifestKey } from './layout.ts';

const badKey = expect.objectContaining({ code: 'BadKey' });

test('the files of a session lie below its id and a slash, the manifest beside them', () => {
  expect(filesPrefix('s1')).toBe('sessions/s1/');
  expect(fileKey('s1', 'a/b.txt')).toBe('sessions/s1/a/b.txt');
  expect(manifestKey('s1')).toBe('manifests/s1.json');
});

test.each(['', '.', '..', 'a/b', '../s10', 's1\0', 'a'.repeat(65), '-a', 'ü'])(
  '%j is no id of a session',
  (id) => {
    expect(() => filesPrefix(id)).toThrow(badKey);
    expect(() => manifestKey(id)).toThrow(badKey);
  },
);

test.each(['', '/etc/passwd', '../s10/x', 'a/../../x', 'a//b', 'a\0', 'a'.repeat(1_100)])(
  '%j is no path of a file',
  (path) => {
    expect(() => fileKey('s1', path)).toThrow(badKey);
  },
);

test('the key of a manifest tells whose it is, and no other key does', () => {
  expect(idOfManifest(manifestKey('s1'))).toBe('s1');
  for (const key of ['sessions/s1/a.json', 'manifests/.json', 'manifests/a/b.json', 'manifests/s1'])
    expect(idOfManifest(key)).toBeUndefined();
});
