import {
  DEFAULT_INDEX_POLICY,
  indexProblem,
  isPublicAddress,
  upstreamOf,
  wayProblem,
} from './allowed.ts';

const mirrored = {
  ...DEFAULT_INDEX_POLICY,
  pythonIndexUrl: 'http://mirror.corp:8081/pypi/simple/',
  trustedHosts: ['index.corp', '10.1.2.3:3141'],
};

test.each([
  'https://pypi.org/simple/',
  'https://pypi.org/simple',
  'https://index.example.org/simple/',
  'https://index.example.org:8443/root/pypi/+simple/',
])('%s may be used', (url) => {
  expect(indexProblem(url, DEFAULT_INDEX_POLICY)).toBeUndefined();
});

test.each([
  'http://index.example.org/simple/',
  'https://127.0.0.1/simple/',
  'https://0x7f000001/simple/',
  'https://2130706433/simple/',
  'https://[::1]/simple/',
  'https://[::ffff:169.254.169.254]/',
  'https://169.254.169.254/latest/meta-data/',
  'https://localhost/simple/',
  'https://a.localhost/simple/',
  'https://metadata/simple/',
  'https://metadata.google.internal/simple/',
  'https://kubernetes.default.svc/simple/',
  'https://kubernetes.default.svc.cluster.local./simple/',
  'https://user:secret@index.example.org/simple/',
  'file:///etc/passwd',
  'ftp://index.example.org/',
  'not a url',
])('%s may not', (url) => {
  expect(indexProblem(url, DEFAULT_INDEX_POLICY)).toEqual(expect.any(String));
});

test('a host that the operator of the installation names may be private, a number, and without TLS', () => {
  expect(indexProblem('http://index.corp/simple/', mirrored)).toBeUndefined();
  expect(indexProblem('http://10.1.2.3:3141/root/pypi/', mirrored)).toBeUndefined();
  expect(indexProblem('http://mirror.corp:8081/npm/', mirrored)).toBeUndefined();
  expect(indexProblem('http://10.1.2.3/root/pypi/', mirrored)).toEqual(expect.any(String));
});

test.each([
  ['none', 'https://index.example.org/simple/', false],
  ['none', 'https://pypi.org/simple/', true],
  ['trusted', 'https://index.example.org/simple/', false],
  ['trusted', 'http://index.corp/simple/', true],
] as const)('where %s others may be named, for %s that is %s', (otherIndexes, url, isAllowed) => {
  expect(indexProblem(url, { ...mirrored, otherIndexes }) === undefined).toBe(isAllowed);
});

test('a mirror stands in for the public index, and for no other', () => {
  expect(upstreamOf('https://pypi.org/simple', mirrored)).toBe(mirrored.pythonIndexUrl);
  expect(upstreamOf('https://other.org/simple/', mirrored)).toBe('https://other.org/simple/');
  expect(upstreamOf('https://registry.npmjs.org/', mirrored)).toBe('https://registry.npmjs.org/');
});

test.each(['8.8.8.8', '151.101.0.223', '2a04:4e42::223'])('%s is public', (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test.each([
  '0.0.0.0',
  '10.0.0.1',
  '100.64.0.1',
  '127.0.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:a9fe:a9fe',
  '64:ff9b::a9fe:a9fe',
  'fd00:ec2::254',
  'fe80::1',
  '2002:7f00:1::',
  'ff02::1',
  '',
  'name',
])('%s is not', (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.each([
  ['https://index.example.org/simple/', 'https://files.example.org/a', true],
  ['https://index.example.org/simple/', 'https://index.corp/a', false],
  ['https://index.example.org/simple/', 'http://10.1.2.3:3141/a', false],
  ['https://index.corp/simple/', 'http://10.1.2.3:3141/a', true],
  ['https://index.corp/simple/', 'https://files.example.org/a', true],
])('%s leads to %s: %j', (from, to, may) => {
  const problem = wayProblem(new URL(from), new URL(to), mirrored);
  expect(problem === undefined).toBe(may);
});
