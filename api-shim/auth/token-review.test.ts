import { FakeClock } from '../../test/fakes/clock.ts';
import { MemoryCluster } from '../../test/fakes/memory-cluster.ts';
import { parseCallers } from './callers.ts';
import { createAuthenticator } from './authenticator.ts';
import { TokenReviewer } from './token-review.ts';

const TOKEN = 'aGVhZA.Ym9keQ.c2ln';
const USER = {
  username: 'system:serviceaccount:jobs:runner',
  groups: ['system:serviceaccounts:jobs'],
};
const { signal } = new AbortController();

/** An API server that knows one token. */
function reviewerOf(status: object = { authenticated: true, user: USER, audiences: ['sandbox'] }) {
  const clock = new FakeClock();
  const reviewed: unknown[] = [];
  const client = new MemoryCluster(clock);
  client.create = (_type, draft) => {
    reviewed.push('spec' in draft ? draft.spec : undefined);
    return Promise.resolve({ ...draft, status } as never);
  };
  return { clock, reviewed, reviewer: new TokenReviewer({ client, clock, audience: 'sandbox' }) };
}

test('asks whose a token is, for its own audience, and remembers the answer for half a minute', async () => {
  const { reviewer, reviewed, clock } = reviewerOf();
  expect(await reviewer.userOf(TOKEN)).toEqual(USER);
  expect(await reviewer.userOf(TOKEN)).toEqual(USER);
  expect(reviewed).toEqual([{ token: TOKEN, audiences: ['sandbox'] }]);
  clock.advance(30_000);
  await reviewer.userOf(TOKEN);
  expect(reviewed).toHaveLength(2);
});

test.each([
  ['that is nobody’s', { authenticated: false }],
  ['for another audience', { authenticated: true, user: USER, audiences: ['other'] }],
  ['whose audience was not checked', { authenticated: true, user: USER }],
])('a token %s is worth nothing', async (_what, status) => {
  const { reviewer } = reviewerOf(status);
  expect(await reviewer.userOf(TOKEN)).toBeUndefined();
});

test('what is no token never reaches the API server', async () => {
  const { reviewer, reviewed } = reviewerOf();
  expect(await reviewer.userOf('sbk_mistyped')).toBeUndefined();
  expect(await reviewer.userOf(`a.b.${'c'.repeat(20_000)}`)).toBeUndefined();
  expect(reviewed).toEqual([]);
});

test('strangers cannot make it ask for ever', async () => {
  const { reviewer, reviewed } = reviewerOf({ authenticated: false });
  const tries = Array.from({ length: 60 }, (_, n) => reviewer.userOf(`a.b.${n}`));
  const outcomes = await Promise.allSettled(tries);
  expect(reviewed).toHaveLength(50);
  expect(outcomes.at(-1)).toMatchObject({ reason: { code: 'TooManyRequests' } });
});

test('a user is who its own line says, or else the first of its groups', async () => {
  const { reviewer } = reviewerOf();
  const lines = [
    { group: 'system:serviceaccounts:jobs', role: 'read' },
    { user: USER.username, role: 'admin' },
  ].map((line) => JSON.stringify(line));
  const userOf = (token: string) => reviewer.userOf(token);
  const authenticateBy = (text: string) =>
    createAuthenticator({ callers: () => parseCallers(text, ['default']), userOf })(TOKEN, signal);
  expect(await authenticateBy(lines.join('\n'))).toMatchObject({
    role: 'admin',
    name: USER.username,
  });
  expect(await authenticateBy(lines[0] ?? '')).toMatchObject({ role: 'read', name: USER.username });
  expect(await authenticateBy('{"group":"others"}')).toBeUndefined();
});
