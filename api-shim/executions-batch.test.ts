import { EXECUTIONS } from '../crds/execution.ts';
import { UnavailableError } from '../kube/errors.ts';
import { RestApi, waitUntil } from '../test/fakes/rest-api.ts';

let api: RestApi;
beforeEach(async () => {
  api = await RestApi.start();
});
afterEach(() => api.stop());

const DOWN = new UnavailableError({ code: 503, reason: 'ServiceUnavailable', message: 'internal' });

const code = (n: number) => ({ code: `print(${String(n)})`, language: 'python' });
const batch = (count: number) => ({
  executions: Array.from({ length: count }, (_, n) => code(n)),
});

interface Item {
  readonly execution: Readonly<Record<string, unknown>> | null;
  readonly error: Readonly<Record<string, unknown>> | null;
}

function itemsOf(body: Readonly<Record<string, unknown>>): readonly Item[] {
  return body['items'] as readonly Item[];
}

function codeOf(id: unknown): string {
  return api.execution(id).spec.code;
}

describe('a batch', () => {
  test.each([['/sessions/demo/execute-batch'], ['/executions/sessions/demo/execute-batch']])(
    'POST %s creates all, answers in their order, and that is the order of their turns',
    async (path) => {
      await api.addTemplate('two-at-once', { executions: { maxConcurrent: 2 } });
      await api.runningSession({ id: 'demo', template_id: 'two-at-once' });
      const { status, body } = await api.client.post(path, batch(25));
      expect(status).toBe(201);
      expect(body['failed']).toBe(0);
      const items = itemsOf(body);
      expect(items.map(({ execution }) => codeOf(execution?.['execution_id']))).toEqual(
        batch(25).executions.map((one) => one.code),
      );
      expect(items.map(({ execution }) => execution?.['queue_position'])).toEqual(
        Array.from({ length: 25 }, (_, n) => Math.max(n - 1, 0)),
      );
      expect(items[0]).toEqual({
        execution: {
          execution_id: expect.stringMatching(/^exec_\d{14}_[0-9a-f]{8}$/),
          session_id: 'demo',
          status: 'pending',
          queue_position: 0,
          created_at: '2026-11-24T07:02:20.607Z',
        },
        error: null,
      });
    },
  );

  test.each([
    ['with none in it', { executions: [] }],
    ['of 101', batch(101)],
    ['of which one is wrong', { executions: [code(1), { ...code(2), timeout: 0 }] }],
    ['that is none', {}],
    ['of something else', { executions: 'all' }],
    ['with nothing in a place', { executions: [null] }],
  ])('%s is 422, and nothing is created', async (_what, body) => {
    const session = await api.runningSession();
    for (const path of ['execute-batch', 'execute-batch-sync']) {
      const answer = await api.client.post(`/sessions/${session}/${path}`, body);
      expect(answer).toMatchObject({ status: 422, body: { code: 'InvalidRequest' } });
    }
    expect(api.cluster.all(EXECUTIONS)).toEqual([]);
  });

  test('says which of them is wrong, and where', async () => {
    const session = await api.runningSession();
    const body = { executions: [code(1), { ...code(2), timeout: 0 }] };
    const answer = await api.client.post(`/sessions/${session}/execute-batch`, body);
    expect(answer.body['detail']).toMatchObject([{ loc: ['body', 'executions', 1, 'timeout'] }]);
  });

  test('for a session that is not there or has ended is refused as a whole', async () => {
    const unknown = await api.client.post('/sessions/unknown/execute-batch', batch(2));
    expect(unknown).toMatchObject({ status: 404, body: { code: 'SessionNotFound' } });
    const session = await api.runningSession();
    await api.client.delete(`/sessions/${session}`);
    expect((await api.client.post(`/sessions/${session}/execute-batch`, batch(2))).status).toBe(
      404,
    );
    expect(api.cluster.all(EXECUTIONS)).toEqual([]);
  });

  test('has what failed in its place, and the others go on', async () => {
    const session = await api.runningSession();
    api.cluster.failOnce('create', DOWN);
    const { status, body } = await api.client.post(`/sessions/${session}/execute-batch`, batch(3));
    expect(status).toBe(201);
    expect(body['failed']).toBe(1);
    const [first, second, third] = itemsOf(body);
    expect(first).toMatchObject({
      execution: null,
      error: { code: 'Unavailable', request_id: expect.any(String) },
    });
    expect(JSON.stringify(first)).not.toContain('internal');
    expect([second, third].map((item) => codeOf(item?.execution?.['execution_id']))).toEqual([
      code(1).code,
      code(2).code,
    ]);
  });

  test('tells the log what failed, under the id of the request', async () => {
    const session = await api.runningSession();
    api.cluster.failOnce('create', DOWN);
    const { body } = await api.client.post(`/sessions/${session}/execute-batch`, batch(2));
    const [item] = itemsOf(body);
    const line = api.logger.lines.find(({ message }) => message === 'part of a batch failed');
    expect(line).toMatchObject({
      level: 'error',
      fields: { code: 'Unavailable', error: DOWN, requestId: item?.error?.['request_id'] },
    });
  });

  test('is created in its order, also where one create takes longer than the next', async () => {
    const session = await api.runningSession();
    const letGo = api.cluster.holdNextCreate();
    const answer = api.client.post(`/sessions/${session}/execute-batch`, batch(3));
    await waitUntil(() => api.cluster.writes.some(({ kind }) => kind === EXECUTIONS.kind));
    letGo();
    expect((await answer).status).toBe(201);
    expect(api.cluster.all(EXECUTIONS).map(({ spec }) => spec.code)).toEqual(
      batch(3).executions.map((one) => one.code),
    );
  });

  test('of which nothing could be created is an error', async () => {
    const session = await api.runningSession();
    api.cluster.failWith(DOWN);
    const answer = await api.client.post(`/sessions/${session}/execute-batch`, batch(3));
    expect(answer).toMatchObject({ status: 503, body: { code: 'Unavailable' } });
    expect(answer.headers.get('retry-after')).toBe('1');
  });
});

describe('a batch that is waited for', () => {
  test('is answered when all have ended, each as it ended', async () => {
    const session = await api.runningSession();
    const path = `/sessions/${session}/execute-batch-sync`;
    const answer = api.client.post(path, batch(2));
    await waitUntil(() => api.cluster.all(EXECUTIONS).length === 2);
    for (const { metadata, spec } of api.cluster.all(EXECUTIONS)) {
      const stdout = { text: spec.code, bytes: 8, truncated: false };
      api.reportExecution(metadata.name, { phase: 'Completed', exitCode: 0, stdout });
    }
    const { status, body } = await answer;
    expect(status).toBe(200);
    expect(body['failed']).toBe(0);
    expect(itemsOf(body)).toMatchObject([
      { execution: { status: 'completed', stdout: code(0).code, queue_position: null } },
      { execution: { status: 'completed', stdout: code(1).code } },
    ]);
  });

  test('tells of those that go on by their ids', async () => {
    const session = await api.runningSession();
    const path = `/sessions/${session}/execute-batch-sync?sync_timeout=10`;
    const answer = api.client.post(path, batch(2));
    // The shim's own listener, and one for each that is waited for.
    await waitUntil(() => api.executions.listeners === 3);
    const [one, other] = api.cluster.all(EXECUTIONS);
    const [ended, goesOn] = one?.spec.code === code(0).code ? [one, other] : [other, one];
    api.reportExecution(ended?.metadata.name, { phase: 'Failed', exitCode: 1 });
    api.clock.advance(10_000);
    const { status, body } = await answer;
    expect(status).toBe(200);
    expect(body['failed']).toBe(1);
    expect(itemsOf(body)).toMatchObject([
      { execution: { status: 'failed', exit_code: 1 } },
      {
        execution: null,
        error: {
          code: 'SyncTimeout',
          execution_id: goesOn?.metadata.annotations?.['sandbox.ai/rest-id'],
        },
      },
    ]);
  });
});
