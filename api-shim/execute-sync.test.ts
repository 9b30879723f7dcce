import { EXECUTIONS, type ExecutionStatus } from '../crds/execution.ts';
import { SANDBOXES } from '../crds/sandbox.ts';
import { refOf } from '../kube/objects.ts';
import type { Answer } from '../test/fakes/rest-client.ts';
import { RestApi, waitUntil } from '../test/fakes/rest-api.ts';

let api: RestApi;
let listeners: number;
beforeEach(async () => {
  api = await RestApi.start();
  listeners = listening();
});
afterEach(() => api.stop());

const HELLO = { code: 'def handler(event):\n    return 1', language: 'python' };
const COMPLETED: ExecutionStatus = {
  phase: 'Completed',
  reason: 'Completed',
  exitCode: 0,
  returnValue: { message: 'Hello, World!' },
  metrics: { durationMs: 4 },
};

function listening(): number {
  return api.executions.listeners + api.sandboxes.listeners;
}

/** What a request leaves behind when it is over: nothing. */
function expectNothingWaits(): void {
  expect(listening()).toBe(listeners);
  expect(api.clock.pending).toBe(0);
}

/** A call that is known to wait for its execution. */
async function waiting(
  query = '',
  signal?: AbortSignal,
): Promise<{ session: string; id: string; answer: Promise<Answer> }> {
  const session = await api.runningSession();
  const answer = api.client.post(
    `/sessions/${session}/execute-sync${query}`,
    HELLO,
    signal === undefined ? {} : { signal },
  );
  answer.catch(() => undefined);
  await waitUntil(() => api.executions.listeners === 2);
  const id = api.cluster.all(EXECUTIONS)[0]?.metadata.annotations?.['sandbox.ai/rest-id'] ?? '';
  return { session, id, answer };
}

test.each([
  ['/sessions/demo/execute-sync'],
  ['/executions/sessions/demo/execute-sync?poll_interval=0.5&sync_timeout=30'],
])(
  'cases 77 and 78: POST %s answers when the cache shows the end, without polling and with one write',
  async (path) => {
    await api.runningSession({ id: 'demo' });
    const before = api.cluster.calls.length;
    const answer = api.client.post(path, HELLO);
    await waitUntil(() => api.executions.listeners === 2);
    const [execution] = api.cluster.all(EXECUTIONS);
    api.reportExecution(execution?.metadata.name, COMPLETED);
    const { status, body } = await answer;
    expect(status).toBe(200);
    expect(body).toMatchObject({
      session_id: 'demo',
      status: 'completed',
      return_value: { message: 'Hello, World!' },
    });
    expect(api.cluster.calls.slice(before).map(({ verb }) => verb)).toEqual(['create']);
    expectNothingWaits();
  },
);

test('a Running status in between does not end the wait', async () => {
  const { id, answer } = await waiting();
  api.reportExecution(id, { phase: 'Running' });
  api.reportExecution(id, COMPLETED);
  expect((await answer).body['status']).toBe('completed');
});

test('an end that the cache showed before the create was answered is not missed', async () => {
  const session = await api.runningSession();
  api.executions.subscribe(({ type, object }) => {
    if (type === 'added') api.reportExecution(object.metadata.name, COMPLETED);
  });
  expect(await api.client.post(`/sessions/${session}/execute-sync`, HELLO)).toMatchObject({
    status: 200,
    body: { status: 'completed' },
  });
});

test.each([
  ['Failed', 'NonZeroExit', 'failed'],
  ['TimedOut', 'Timeout', 'timeout'],
  ['Crashed', 'ExecutorLost', 'crashed'],
  ['Cancelled', 'Cancelled', 'cancelled'],
] as const)('case 97: a run that ends as %s is 200 too', async (phase, reason, status) => {
  const { id, answer } = await waiting();
  api.reportExecution(id, { phase, reason });
  expect(await answer).toMatchObject({ status: 200, body: { status } });
});

test('case 93: a large return value arrives intact', async () => {
  const { id, answer } = await waiting();
  const returnValue = Array.from({ length: 400 }, (_, n) => ({
    n,
    text: 'x'.repeat(90),
    rocket: '🚀',
  }));
  api.reportExecution(id, { ...COMPLETED, returnValue });
  expect((await answer).body['return_value']).toEqual(returnValue);
});

test.each([
  ['poll_interval=0.1'],
  ['poll_interval=10.0'],
  ['sync_timeout=10'],
  ['sync_timeout=3600'],
])('case 80: %s is accepted', async (query) => {
  const { id, answer } = await waiting(`?${query}`);
  api.reportExecution(id, COMPLETED);
  expect((await answer).status).toBe(200);
});

test.each([
  ['poll_interval=0.05'],
  ['poll_interval=15.0'],
  ['poll_interval=x'],
  ['sync_timeout=5'],
  ['sync_timeout=4000'],
])('cases 80 and 81: %s is 422 and nothing runs', async (query) => {
  const session = await api.runningSession();
  expect((await api.client.post(`/sessions/${session}/execute-sync?${query}`, HELLO)).status).toBe(
    422,
  );
  expect(api.cluster.all(EXECUTIONS)).toEqual([]);
});

test('case 96: past sync_timeout it is 408 with the id of the execution, which goes on', async () => {
  const { id, answer } = await waiting('?sync_timeout=10');
  api.clock.advance(10_000);
  const { status, body } = await answer;
  expect(status).toBe(408);
  expect(body).toMatchObject({
    code: 'SyncTimeout',
    execution_id: id,
    detail: 'Synchronous execution timeout after 10s',
  });
  expect(body['hint']).toContain('/result');
  expectNothingWaits();
  api.reportExecution(id, COMPLETED);
  expect((await api.client.get(`/executions/${id}/result`)).body['status']).toBe('completed');
});

describe('a session that ends meanwhile', () => {
  test('by delete: the waiter is told at once, not after its timeout', async () => {
    const { session, answer } = await waiting();
    await api.client.delete(`/sessions/${session}`);
    const { status, body } = await answer;
    expect({ status, code: body['code'] }).toEqual({ status: 404, code: 'SessionDeleted' });
    expectNothingWaits();
  });

  test('by a delete of someone else that goes all the way in one step', async () => {
    const { session, answer } = await waiting();
    api.cluster.remove(SANDBOXES, refOf(api.sandbox(session)));
    expect((await answer).body['code']).toBe('SessionDeleted');
    expectNothingWaits();
  });

  test('before the wait begins', async () => {
    const session = await api.runningSession();
    api.executions.subscribe(({ type }) => {
      if (type === 'added') api.cluster.remove(SANDBOXES, refOf(api.sandbox(session)));
    });
    const { status, body } = await api.client.post(`/sessions/${session}/execute-sync`, HELLO);
    expect({ status, code: body['code'] }).toEqual({ status: 404, code: 'SessionDeleted' });
  });

  test('by terminate: the run is cancelled, and that is its result', async () => {
    const { session, id, answer } = await waiting();
    api.reportSession(session, { phase: 'Terminated' });
    api.reportExecution(id, { phase: 'Cancelled', reason: 'Cancelled' });
    expect(await answer).toMatchObject({
      status: 200,
      body: { status: 'cancelled', reason: 'Cancelled' },
    });
  });
});

test('an execution that is deleted meanwhile is 404, and the session is not blamed', async () => {
  const { id, answer } = await waiting();
  api.cluster.remove(EXECUTIONS, refOf(api.execution(id)));
  const { status, body } = await answer;
  expect({ status, code: body['code'] }).toEqual({ status: 404, code: 'ExecutionNotFound' });
});

test('a client that goes away frees its waiter; the execution goes on', async () => {
  const leave = new AbortController();
  const { id, answer } = await waiting('', leave.signal);
  leave.abort();
  await expect(answer).rejects.toThrow();
  await waitUntil(() => api.clock.pending === 0);
  expectNothingWaits();
  expect(api.execution(id).spec.cancel).toBe(false);
  const line = api.logger.lines.find(({ fields }) => fields['status'] === 'client gone');
  expect(line?.fields).toMatchObject({ method: 'POST', requestId: expect.any(String) });
  expect(api.logger.at('error')).toEqual([]);
});

test('a hundred waiters are each answered with their own result', async () => {
  const session = await api.runningSession();
  const calls = Array.from({ length: 100 }, (_, n) =>
    api.client.post(`/sessions/${session}/execute-sync`, { ...HELLO, event: { n } }),
  );
  await waitUntil(() => api.executions.listeners === 101);
  for (const execution of api.cluster.all(EXECUTIONS)) {
    api.reportExecution(execution.metadata.name, {
      ...COMPLETED,
      returnValue: execution.spec.event['n'],
    });
  }
  const answers = await Promise.all(calls);
  expect(answers.map(({ body }) => body['return_value'])).toEqual(
    Array.from({ length: 100 }, (_, n) => n),
  );
  expectNothingWaits();
});

test('a server that stops says so to who waits, and that the execution goes on', async () => {
  const { id, answer } = await waiting();
  const stopped = api.stop(60_000);
  const { status, body, headers } = await answer;
  expect(status).toBe(503);
  expect(body).toMatchObject({ code: 'ShuttingDown', execution_id: id });
  expect(headers.get('retry-after')).toBe('1');
  await stopped;
});
