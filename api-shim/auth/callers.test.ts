import { CallersError, parseCallers } from './callers.ts';

const HASH = 'a'.repeat(64);
const NAMESPACES = ['team-a', 'team-b'] as const;
const parse = (text: string) => parseCallers(text, NAMESPACES);

test('a key has a name, the first namespace and the role write, unless its line says otherwise', () => {
  const text = [
    '# comments and empty lines are for people',
    '',
    JSON.stringify({ name: 'ci', sha256: HASH }),
    JSON.stringify({
      name: 'boss',
      sha256: 'b'.repeat(64),
      namespace: 'team-b',
      role: 'admin',
      requests_per_second: 10,
      sessions: 5,
    }),
  ].join('\n');
  expect(parse(text).keys.map(({ principal }) => principal)).toEqual([
    { name: 'ci', namespace: 'team-a', role: 'write' },
    {
      name: 'boss',
      namespace: 'team-b',
      role: 'admin',
      rate: { perSecond: 10, burst: 20 },
      sessions: 5,
    },
  ]);
});

test('a line may be for a user or a group of Kubernetes, who go by the name of the user', () => {
  const text = '{"group":"system:serviceaccounts:jobs","role":"read","namespace":"team-b"}';
  expect(
    parse(text).tokens.map(({ match, as }) => [match, as('system:serviceaccount:jobs:x')]),
  ).toEqual([
    [
      { group: 'system:serviceaccounts:jobs' },
      { name: 'system:serviceaccount:jobs:x', namespace: 'team-b', role: 'read' },
    ],
  ]);
});

test.each([
  ['no JSON', '{"name":"ci"', 'line 1: is no JSON'],
  ['a hash that is none', '{"name":"ci","sha256":"secret"}', 'line 1: sha256:'],
  ['a field that is mistyped', `{"name":"ci","sha256":"${HASH}","roles":["x"]}`, 'roles'],
  ['an unknown role', `{"name":"ci","sha256":"${HASH}","role":"root"}`, 'role:'],
  ['a name that would break a log', `{"name":"a\\nb","sha256":"${HASH}"}`, 'name:'],
  ['a namespace that is not served', `{"user":"x","namespace":"other"}`, 'SANDBOX_NAMESPACE'],
  [
    'a key for two',
    `{"name":"a","sha256":"${HASH}"}\n{"name":"b","sha256":"${HASH}"}`,
    'line 2: sha256',
  ],
  [
    'a name for two',
    `{"name":"a","sha256":"${HASH}"}\n{"name":"a","sha256":"${'c'.repeat(64)}"}`,
    'line 2: name',
  ],
])('%s is refused with its line', (_what, text, reason) => {
  expect(() => parse(text)).toThrow(CallersError);
  expect(() => parse(text)).toThrow(reason);
});

test('what is said about a wrong line does not repeat what stands in it', () => {
  expect(() => parse('{"name":"ci","sha256":"sbk_the-key-itself"}')).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('sbk_') }),
  );
});
