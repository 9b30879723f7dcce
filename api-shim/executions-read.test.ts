import type { ExecutionStatus } from '../crds/execution.ts';
import { RestApi, waitUntil } from '../test/fakes/rest-api.ts';
import { UNFINISHED_BY_SANDBOX } from './executions.ts';

let api: RestApi;
beforeEach(async () => {
  api = await RestApi.start();
});
afterEach(() => api.stop());

const HELLO = { code: 'def handler(event):\n    return 1', language: 'python' };
const END = { startedAt: '2026-11-24T07:02:21.000Z', finishedAt: '2026-11-24T07:02:21.500Z' };
const COMPLETED: ExecutionStatus = {
  phase: 'Completed',
  reason: 'Completed',
  exitCode: 0,
  stdout: { text: 'hi\n', bytes: 3, truncated: false },
  stderr: { text: '', bytes: 0, truncated: false },
  metrics: { durationMs: 42.5, cpuTimeMs: 20, peakMemoryBytes: 10 * 2 ** 20 },
  ...END,
};

async function submitted(session: string, body: object = {}): Promise<string> {
  const answer = await api.client.post(`/sessions/${session}/execute`, { ...HELLO, ...body });
  return String(answer.body['execution_id']);
}

async function resultOf(id: string): Promise<Record<string, unknown>> {
  return (await api.client.get(`/executions/${id}/result`)).body;
}

describe('reading', () => {
  test('case 54: status, result and the bare path answer the same', async () => {
    const id = await submitted(await api.runningSession());
    const answers = await Promise.all(
      ['', '/status', '/result'].map((end) => api.client.get(`/executions/${id}${end}`)),
    );
    expect(answers.map(({ status, body }) => [status, body['id'], body['status']])).toEqual([
      [200, id, 'pending'],
      [200, id, 'pending'],
      [200, id, 'pending'],
    ]);
  });

  test('a get right after finds it though the cache lags behind', async () => {
    const session = await api.runningSession();
    api.executions.hold();
    const id = await submitted(session);
    expect((await api.client.get(`/executions/${id}`)).status).toBe(200);
    expect((await api.client.get(`/sessions/${session}/executions`)).body['total']).toBe(1);
  });

  test('a pending one has no exit code, no result and no time', async () => {
    const id = await submitted(await api.runningSession());
    expect(await resultOf(id)).toMatchObject({
      exit_code: null,
      reason: null,
      return_value: null,
      metrics: null,
      execution_time: null,
      error_message: null,
      started_at: null,
      completed_at: null,
      stdout: '',
      artifacts: [],
      retry_count: 0,
      code: HELLO.code,
      language: 'python',
      timeout: 30,
    });
  });

  test('those that wait for their turn show how many must end before', async () => {
    await api.addTemplate('two-at-once', { executions: { maxConcurrent: 2 } });
    const session = await api.runningSession({ template_id: 'two-at-once' });
    const ids: string[] = [];
    for (let n = 0; n < 4; n += 1) {
      api.clock.advance(1);
      ids.push(await submitted(session));
    }
    const [first = '', second = '', ...rest] = ids;
    const places = async (all: readonly string[]): Promise<unknown[]> =>
      Promise.all(all.map(async (id) => (await resultOf(id))['queue_position']));
    expect(await places([first, second, ...rest])).toEqual([0, 0, 1, 2]);
    api.reportExecution(first, { phase: 'Running', startedAt: END.startedAt });
    api.reportExecution(second, COMPLETED);
    expect(await places([first, second, ...rest])).toEqual([null, null, 0, 1]);
    api.clock.advance(1);
    const { body } = await api.client.post(`/sessions/${session}/execute`, HELLO);
    expect(body['queue_position']).toBe(2);
    const page = await api.client.get(`/sessions/${session}/executions?status=pending`);
    const shown = listOf(page.body['items']).map(
      (item) => (item as { queue_position: unknown }).queue_position,
    );
    expect(shown).toEqual([2, 1, 0]);
  });

  test('of a page of those that wait what is before them is looked up once', async () => {
    const session = await api.runningSession();
    for (let n = 0; n < 5; n += 1) await submitted(session);
    const before = api.executions.lookups.length;
    await api.client.get(`/sessions/${session}/executions`);
    const lookups = api.executions.lookups.slice(before);
    expect(lookups.filter((index) => index === UNFINISHED_BY_SANDBOX.name)).toHaveLength(1);
  });

  test('a running one shows as running, and no exit code before its end', async () => {
    const id = await submitted(await api.runningSession());
    api.reportExecution(id, { phase: 'Running', exitCode: 0, startedAt: END.startedAt });
    expect(await resultOf(id)).toMatchObject({
      status: 'running',
      exit_code: null,
      started_at: END.startedAt,
    });
  });

  test('case 55: a completed one has everything, times included', async () => {
    const id = await submitted(await api.runningSession());
    api.reportExecution(id, { ...COMPLETED, returnValue: { statusCode: 200 } });
    expect(await resultOf(id)).toMatchObject({
      status: 'completed',
      reason: 'Completed',
      exit_code: 0,
      stdout: 'hi\n',
      return_value: { statusCode: 200 },
      execution_time: 0.0425,
      metrics: {
        duration_ms: 42.5,
        cpu_time_ms: 20,
        peak_memory_mb: 10,
        io_read_bytes: null,
        io_write_bytes: null,
      },
      error_message: null,
      started_at: END.startedAt,
      completed_at: END.finishedAt,
    });
  });

  test.each([[0], [false], [''], [[]], [{}], [null], ['x']])(
    'case 89: the return value %j is kept',
    async (returnValue) => {
      const id = await submitted(await api.runningSession());
      api.reportExecution(id, { ...COMPLETED, returnValue });
      expect((await resultOf(id))['return_value']).toEqual(returnValue);
    },
  );

  test.each([
    ['Failed', 'NonZeroExit', 3, 'failed'],
    ['TimedOut', 'Timeout', 124, 'timeout'],
    ['Crashed', 'ExecutorLost', undefined, 'crashed'],
    ['Cancelled', 'Cancelled', undefined, 'cancelled'],
  ] as const)(
    'phase %s shows as it is, with an error message, and never with exit code 0',
    async (phase, reason, exitCode, status) => {
      const id = await submitted(await api.runningSession());
      const stderr = { text: 'Traceback', bytes: 9, truncated: false };
      api.reportExecution(id, {
        ...END,
        phase,
        reason,
        stderr,
        ...(exitCode === undefined ? {} : { exitCode }),
      });
      const body = await resultOf(id);
      expect(body).toMatchObject({
        status,
        reason,
        error_message: 'Traceback',
        stderr: 'Traceback',
      });
      expect(body['exit_code']).toBe(exitCode ?? null);
    },
  );

  test("the operator's own words come before what the program wrote", async () => {
    const id = await submitted(await api.runningSession());
    api.reportExecution(id, {
      phase: 'Crashed',
      reason: 'ExecutorLost',
      message: 'the pod was lost',
      ...END,
    });
    expect((await resultOf(id))['error_message']).toBe('the pod was lost');
  });

  test('long output says that its middle is missing', async () => {
    const id = await submitted(await api.runningSession());
    api.reportExecution(id, {
      ...COMPLETED,
      stdout: { text: 'head\n...\ntail', bytes: 1_000_000, truncated: true },
    });
    expect(await resultOf(id)).toMatchObject({ stdout_truncated: true, stderr_truncated: false });
  });

  test('case 56: an unknown one is 404', async () => {
    for (const end of ['', '/status', '/result']) {
      const { status, body } = await api.client.get(`/executions/exec_1${end}`);
      expect({ status, code: body['code'] }).toEqual({ status: 404, code: 'ExecutionNotFound' });
    }
  });

  test('case 47: those of a deleted session are gone at once', async () => {
    const session = await api.runningSession();
    const id = await submitted(session);
    await api.client.delete(`/sessions/${session}`);
    expect((await api.client.get(`/executions/${id}/result`)).status).toBe(404);
    expect((await api.client.get(`/sessions/${session}/executions`)).body).toMatchObject({
      items: [],
      total: 0,
    });
  });
});

describe('listing', () => {
  async function five(): Promise<string> {
    const session = await api.runningSession({ id: 'demo' });
    for (let n = 0; n < 5; n += 1) {
      api.clock.advance(3);
      await submitted(session, { event: { n } });
    }
    return session;
  }

  test.each([['/sessions/demo/executions'], ['/executions/sessions/demo/executions']])(
    'case 59: GET %s has all of the session and no others, newest first',
    async (path) => {
      await five();
      await submitted(await api.runningSession());
      const { status, body } = await api.client.get(path);
      expect(status).toBe(200);
      expect(body).toMatchObject({ total: 5, limit: 50, offset: 0, has_more: false });
      const times = timesOf(body['items']);
      expect(times).toEqual([...times].sort().reverse());
    },
  );

  test('case 76: offset pages and total is of all pages', async () => {
    await five();
    const all = await api.client.get('/sessions/demo/executions');
    const page = await api.client.get('/sessions/demo/executions?limit=2&offset=3');
    expect(page.body).toMatchObject({ total: 5, limit: 2, offset: 3, has_more: false });
    expect(page.body['items']).toEqual(listOf(all.body['items']).slice(3));
  });

  test('case 76: of an unknown session it is empty', async () => {
    expect(await api.client.get('/executions/sessions/unknown/executions')).toMatchObject({
      status: 200,
      body: { items: [], total: 0 },
    });
  });

  test.each([['limit=-1'], ['limit=x'], ['offset=1.5']])('case 76: %s is 422', async (query) => {
    expect((await api.client.get(`/sessions/demo/executions?${query}`)).status).toBe(422);
  });

  test('a page has at most 200, because each can hold a megabyte', async () => {
    expect((await api.client.get('/sessions/demo/executions?limit=100000')).body['limit']).toBe(
      200,
    );
  });

  test('by status', async () => {
    const session = await five();
    const id = await submitted(session);
    api.reportExecution(id, COMPLETED);
    expect((await api.client.get('/sessions/demo/executions?status=completed')).body).toMatchObject(
      { total: 1, items: [{ id }] },
    );
    expect((await api.client.get('/sessions/demo/executions?status=bogus')).body).toMatchObject({
      total: 0,
    });
  });
});

function listOf(items: unknown): unknown[] {
  return Array.isArray(items) ? items : [];
}

function timesOf(items: unknown): unknown[] {
  return listOf(items).map((item) => (item as { created_at: string }).created_at);
}

describe('cancelling', () => {
  async function pending(): Promise<string> {
    const session = await api.runningSession();
    const { body } = await api.client.post(`/sessions/${session}/execute`, {
      code: 'x',
      language: 'python',
    });
    return String(body['execution_id']);
  }

  test('asks for the end and answers with the outcome', async () => {
    const id = await pending();
    const answer = api.client.post(`/executions/${id}/cancel`);
    await waitUntil(() => api.execution(id).spec.cancel);
    api.reportExecution(id, { phase: 'Cancelled', reason: 'Cancelled', exitCode: 143 });
    expect(await answer).toMatchObject({
      status: 200,
      body: { id, status: 'cancelled', reason: 'Cancelled', exit_code: 143 },
    });
  });

  test('answers with what is known where the end takes longer', async () => {
    const id = await pending();
    const answer = api.client.post(`/executions/${id}/cancel`);
    await waitUntil(() => api.clock.pending === 1);
    api.clock.advance(2_000);
    expect((await answer).body).toMatchObject({ id, status: 'pending' });
  });

  test('leaves what has ended as it is, and writes nothing', async () => {
    const id = await pending();
    api.reportExecution(id, { phase: 'Completed', reason: 'Completed', exitCode: 0 });
    const before = api.cluster.writes.length;
    expect((await api.client.post(`/executions/${id}/cancel`)).body).toMatchObject({
      status: 'completed',
    });
    expect(api.cluster.writes).toHaveLength(before);
    expect((await api.client.post('/executions/unknown/cancel')).status).toBe(404);
  });
});
