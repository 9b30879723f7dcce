import { RestApi } from '../test/fakes/rest-api.ts';
import type { Call } from '../test/fakes/rest-client.ts';
import type { AuditEvent } from './audit.ts';
import { createAuthenticator } from './auth/authenticator.ts';
import { parseCallers } from './auth/callers.ts';
import { newKey } from './auth/new-key.ts';

const NAMESPACES = ['default', 'team-b'] as const;

const made = {
  reader: newKey(Buffer.alloc(32, 1), { name: 'reader', role: 'read' }),
  writer: newKey(Buffer.alloc(32, 2), { name: 'writer', sessions: 2 }),
  admin: newKey(Buffer.alloc(32, 3), { name: 'admin', role: 'admin' }),
  other: newKey(Buffer.alloc(32, 4), { name: 'other', role: 'admin', namespace: 'team-b' }),
  hasty: newKey(Buffer.alloc(32, 5), { name: 'hasty', requests_per_second: 0.5, burst: 2 }),
};
const callers = parseCallers(
  Object.values(made)
    .map(({ line }) => line)
    .join('\n'),
  NAMESPACES,
);

let api: RestApi;
let audited: AuditEvent[];
beforeEach(async () => {
  audited = [];
  api = await RestApi.start({
    authenticate: createAuthenticator({ callers: () => callers }),
    moreNamespaces: ['team-b'],
    audit: (event) => audited.push(event),
  });
});
afterEach(() => api.stop());

const as = (who: keyof typeof made): Call => ({
  headers: { Authorization: `Bearer ${made[who].key}` },
});
const SESSION = { template_id: 'python-basic' };

describe('without a key', () => {
  test.each([['//'], ['/health'], ['//docs'], ['//openapi.json']])('%s is open', async (path) => {
    expect((await api.client.get(path)).status).toBe(200);
  });

  test.each([
    ['GET', '/sessions'],
    ['POST', '/sessions'],
    ['GET', '/sessions/any'],
    ['GET', '/health/detailed'],
    ['POST', '/health/sync'],
    ['PATCH', '/sessions'],
    ['POST', '/internal/containers/ready'],
    ['GET', '//nowhere'],
  ])('case 156: %s %s is 401 and says how', async (method, path) => {
    const { status, headers, body } = await api.client.send(method, path);
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toBe('Bearer realm="sandbox"');
    expect(body['code']).toBe('Unauthenticated');
  });
});

test.each([
  ['a wrong key', { Authorization: 'Bearer sbk_wrong' }],
  [
    'the hash of a key',
    { Authorization: `Bearer ${String(callers.keys[0]?.hash.toString('hex'))}` },
  ],
  ['another scheme', { Authorization: 'Basic YTpi' }],
  ['a wrong X-API-Key', { 'X-API-Key': 'sbk_wrong' }],
])('%s is 401, also where it is open to all', async (_what, headers) => {
  for (const path of ['/sessions', '/health']) {
    const answer = await api.client.get(path, { headers });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
  }
});

test('a key is taken from either header', async () => {
  expect((await api.client.get('/sessions', as('reader'))).status).toBe(200);
  const headers = { 'X-API-Key': made.reader.key };
  expect((await api.client.get('/sessions', { headers })).status).toBe(200);
});

test.each([
  ['reader', 'POST', '/sessions', SESSION, 403],
  ['reader', 'GET', '/templates', undefined, 200],
  ['writer', 'POST', '/sessions', SESSION, 201],
  ['writer', 'DELETE', '/templates/python-basic', undefined, 403],
  ['admin', 'DELETE', '/templates/python-basic', undefined, 200],
  ['writer', 'POST', '/health/sync', undefined, 403],
  ['admin', 'POST', '/health/sync', undefined, 200],
] as const)('the role of %s: %s %s', async (who, method, path, body, expected) => {
  const { status, body: answer } = await api.client.send(method, path, { ...as(who), body });
  expect(status).toBe(expected);
  if (expected === 403) expect(answer['code']).toBe('RoleTooSmall');
});

test('logs have the name of a key and never the key', async () => {
  await api.client.get('/sessions', as('writer'));
  await api.client.get('/sessions', { headers: { 'X-API-Key': 'sbk_wrong' } });
  const [line] = api.logger.lines.filter(({ fields }) => fields['principal'] === 'writer');
  expect(line).toMatchObject({ message: 'request', fields: { path: '/api/v1/sessions' } });
  expect(JSON.stringify(api.logger.lines)).not.toContain('sbk_');
});

describe('tenants', () => {
  test('have objects in a namespace of their own, and see no others', async () => {
    const mine = await api.client.post('/sessions', { ...SESSION, id: 'mine' }, as('admin'));
    expect(mine.status).toBe(201);
    for (const path of ['/sessions/mine', '/templates/python-basic']) {
      expect((await api.client.get(path, as('other'))).status).toBe(404);
    }
    expect((await api.client.get('/sessions', as('other'))).body['total']).toBe(0);
    expect((await api.client.post('/sessions/mine/terminate', {}, as('other'))).status).toBe(404);
    expect((await api.client.delete('/sessions/mine', as('other'))).status).toBe(404);
    const run = { code: 'print(1)', language: 'python' };
    expect((await api.client.post('/sessions/mine/execute', run, as('other'))).status).toBe(404);
  });

  test('may use the same id at the same time', async () => {
    await api.addTemplate('python-basic', {}, 'team-b');
    for (const who of ['admin', 'other'] as const) {
      const { status } = await api.client.post('/sessions', { ...SESSION, id: 's' }, as(who));
      expect(status).toBe(201);
    }
    await api.client.delete('/sessions/s', as('other'));
    expect((await api.client.get('/sessions/s', as('admin'))).status).toBe(200);
  });
});

describe('limits', () => {
  test('a batch counts as so many requests, the rest of it on credit', async () => {
    const session = { ...SESSION, id: 's' };
    expect((await api.client.post('/sessions', session, as('admin'))).status).toBe(201);
    const executions = Array.from({ length: 4 }, () => ({ code: 'print(1)', language: 'python' }));
    const path = '/sessions/s/execute-batch';
    const { status, headers } = await api.client.post(path, { executions }, as('hasty'));
    expect(status).toBe(201);
    expect(headers.get('ratelimit')).toBe('"requests";r=0;t=6');
    api.clock.advance(5_000);
    expect((await api.client.get('/sessions', as('hasty'))).status).toBe(429);
    api.clock.advance(1_500);
    expect((await api.client.get('/sessions', as('hasty'))).status).toBe(200);
  });

  test('a caller that asks too often is told when to come back', async () => {
    for (const remaining of [1, 0]) {
      const { status, headers } = await api.client.get('/sessions', as('hasty'));
      expect(status).toBe(200);
      expect(headers.get('ratelimit-policy')).toBe('"requests";q=2;w=4');
      expect(headers.get('ratelimit')).toBe(`"requests";r=${String(remaining)};t=2`);
    }
    const refused = await api.client.get('/sessions', as('hasty'));
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('2');
    expect(refused.body['code']).toBe('TooManyRequests');
    expect((await api.client.get('/sessions', as('writer'))).status).toBe(200);
    api.clock.advance(2_000);
    expect((await api.client.get('/sessions', as('hasty'))).status).toBe(200);
  });

  test('a caller has as many active sessions as it may, also when it asks for all at once', async () => {
    const create = () => api.client.post('/sessions', SESSION, as('writer'));
    const answers = await Promise.all([create(), create(), create()]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 429]);
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.headers.get('retry-after')).toBe('30');
    expect(refused?.body['code']).toBe('SessionQuotaExceeded');

    const mine = answers.find(({ status }) => status === 201)?.body['id'];
    const again = await api.client.post('/sessions', { ...SESSION, id: mine }, as('writer'));
    expect(again).toMatchObject({ status: 409, body: { code: 'SessionExists' } });

    const kept = answers.find(({ status }) => status === 201);
    await api.client.delete(`/sessions/${String(kept?.body['id'])}`, as('writer'));
    expect((await create()).status).toBe(201);
    expect((await api.client.post('/sessions', SESSION, as('admin'))).status).toBe(201);
  });
});

test('whoever keeps records is told who did what to which object, and how it ended', async () => {
  const headers = { ...as('writer').headers, 'X-Request-ID': 'r-1' };
  await api.client.post('/sessions', { ...SESSION, id: 's' }, { headers });
  await api.client.get('/executions/none', as('other'));
  await api.client.delete('/templates/python-basic', as('reader'));
  await api.client.get('/sessions');
  expect(audited).toMatchObject([
    {
      time: '2026-11-24T07:02:20.607Z',
      requestId: 'r-1',
      principal: 'writer',
      namespace: 'default',
      action: 'createSession',
      method: 'POST',
      object: { kind: 'session', id: 's' },
      outcome: 'succeeded',
      status: 201,
      requestBytes: 39,
    },
    {
      principal: 'other',
      namespace: 'team-b',
      action: 'getExecution',
      object: { kind: 'execution', id: 'none' },
      outcome: 'refused',
      status: 404,
    },
    { principal: 'reader', action: 'deleteTemplate', outcome: 'refused', status: 403 },
    { principal: 'anonymous', action: 'unknown', object: null, outcome: 'refused', status: 401 },
  ]);
});

test('of a batch each execution is told by itself', async () => {
  await api.client.post('/sessions', { ...SESSION, id: 's' }, as('writer'));
  audited.length = 0;
  const executions = [1, 2].map((n) => ({ code: `print(${String(n)})`, language: 'python' }));
  const { body } = await api.client.post('/sessions/s/execute-batch', { executions }, as('writer'));
  const ids = (body['items'] as { execution: { execution_id: string } }[]).map(
    ({ execution }) => execution.execution_id,
  );
  expect(audited).toMatchObject(
    ids.map((id) => ({
      action: 'executeBatch',
      object: { kind: 'execution', id },
      outcome: 'succeeded',
      status: 201,
    })),
  );
  expect(audited).toHaveLength(2);
  audited.length = 0;
  await api.client.post('/sessions/none/execute-batch', { executions }, as('writer'));
  expect(audited).toMatchObject([
    { action: 'executeBatch', object: { kind: 'session', id: 'none' }, outcome: 'refused' },
  ]);
});
