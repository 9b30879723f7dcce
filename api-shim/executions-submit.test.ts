import { EXECUTIONS } from '../crds/execution.ts';
import { RestApi } from '../test/fakes/rest-api.ts';

let api: RestApi;
beforeEach(async () => {
  api = await RestApi.start();
});
afterEach(() => api.stop());

const HELLO = { code: 'def handler(event):\n    return 1', language: 'python' };
async function submitted(session: string, body: object = {}): Promise<string> {
  const answer = await api.client.post(`/sessions/${session}/execute`, { ...HELLO, ...body });
  return String(answer.body['execution_id']);
}

async function resultOf(id: string): Promise<Record<string, unknown>> {
  return (await api.client.get(`/executions/${id}/result`)).body;
}

describe('submitting', () => {
  test.each([['/sessions/demo/execute'], ['/executions/sessions/demo/execute']])(
    'case 51: POST %s is 201, pending, at the cost of one API write',
    async (path) => {
      await api.runningSession({ id: 'demo' });
      const before = api.cluster.calls.length;
      const { status, body } = await api.client.post(path, HELLO);
      expect(status).toBe(201);
      expect(body).toEqual({
        execution_id: expect.stringMatching(/^exec_\d{14}_[0-9a-f]{8}$/),
        session_id: 'demo',
        status: 'pending',
        queue_position: 0,
        created_at: '2026-11-24T07:02:20.607Z',
      });
      expect(api.cluster.calls.slice(before)).toEqual([
        { verb: 'create', kind: 'Execution', name: expect.any(String) },
      ]);
    },
  );

  test('cases 52 and 53: the event and the variables of the run go along, owned by its session', async () => {
    const session = await api.runningSession();
    const id = await submitted(session, {
      event: { name: 'Integration Test' },
      env_vars: { TEST_VAR: 'x' },
      timeout: 7,
    });
    const { name, uid } = api.sandbox(session).metadata;
    expect(api.execution(id)).toMatchObject({
      metadata: {
        labels: { 'sandbox.ai/sandbox': name },
        annotations: { 'sandbox.ai/rest-id': id, 'sandbox.ai/request-id': expect.any(String) },
        ownerReferences: [{ kind: 'Sandbox', name, uid, controller: true }],
      },
      spec: {
        sandboxRef: { name },
        event: { name: 'Integration Test' },
        env: [{ name: 'TEST_VAR', value: 'x' }],
        timeoutSeconds: 7,
      },
    });
  });

  test('the defaults are an empty event, no variables and 30 seconds', async () => {
    const id = await submitted(await api.runningSession(), { event: null, env_vars: null });
    expect(api.execution(id).spec).toMatchObject({
      event: {},
      env: [],
      timeoutSeconds: 30,
      cancel: false,
    });
  });

  test('cases 60 and 83: an unknown session is 404 and nothing is created', async () => {
    for (const path of ['execute', 'execute-sync']) {
      const { status, body } = await api.client.post(`/sessions/unknown/${path}`, HELLO);
      expect({ status, code: body['code'] }).toEqual({ status: 404, code: 'SessionNotFound' });
    }
    expect(api.cluster.all(EXECUTIONS)).toEqual([]);
  });

  test.each([
    ['case 61: timeout 5000', { timeout: 5000 }, 'timeout'],
    ['case 61: timeout 0', { timeout: 0 }, 'timeout'],
    ['case 61: empty code', { code: '' }, 'code'],
    ['case 61: bad language', { language: 'invalid_language' }, 'language'],
    ['case 61: event that is an array', { event: [] }, 'event'],
    ['event that is text', { event: 'x' }, 'event'],
    ['case 61: code of 102,401 characters', { code: 'x'.repeat(102_401) }, 'code'],
    ['case 82: missing code', { code: undefined }, 'code'],
    ['case 82: missing language', { language: undefined }, 'language'],
    ['event of more than 256 KiB', { event: { a: 'x'.repeat(262_144) } }, 'event'],
    ['event that is nested too deeply', { event: nested(101) }, 'event'],
    ['variable that is no text', { env_vars: { A: 1 } }, 'env_vars'],
  ])(
    '%s is 422, names the field and creates nothing, on all paths',
    async (_what, change, field) => {
      const session = await api.runningSession();
      for (const path of ['sessions', 'executions/sessions'].flatMap((base) =>
        ['execute', 'execute-sync'].map((end) => `/${base}/${session}/${end}`),
      )) {
        const { status, body } = await api.client.post(path, { ...HELLO, ...change });
        expect({ status, code: body['code'] }).toEqual({ status: 422, code: 'InvalidRequest' });
        expect(body['detail']).toEqual([
          expect.objectContaining({ loc: expect.arrayContaining(['body', field]) }),
        ]);
      }
      expect(api.cluster.all(EXECUTIONS)).toEqual([]);
    },
  );

  test('case 63: the largest code and a large event are taken whole', async () => {
    const code = '\u{1f680}'.repeat(51_200);
    const event = { text: 'é'.repeat(70_000) };
    const id = await submitted(await api.runningSession(), { code, event });
    expect(api.execution(id).spec).toMatchObject({ code, event });
  });

  test('case 73: while the session is being created it is accepted and waits', async () => {
    const { body } = await api.client.post('/sessions', { template_id: 'python-basic' });
    const id = await submitted(String(body['id']));
    expect(await resultOf(id)).toMatchObject({ status: 'pending', exit_code: null });
  });

  test.each([
    ['terminated', { phase: 'Terminated' }],
    ['terminating', { phase: 'Terminating' }],
    ['failed', { phase: 'Failed' }],
  ] as const)('case 48: on a %s session it is 409', async (_what, status) => {
    const session = await api.runningSession({ id: 'demo' });
    api.reportSession(session, status);
    const answer = await api.client.post('/sessions/demo/execute', HELLO);
    expect({ status: answer.status, code: answer.body['code'] }).toEqual({
      status: 409,
      code: 'SessionNotActive',
    });
    expect(answer.body).toMatchObject({
      error: 'Conflict',
      message: 'Session is not active: demo',
    });
    expect(api.cluster.all(EXECUTIONS)).toEqual([]);
  });

  test('on a deleted session whose object is still there it is 404', async () => {
    const session = await api.runningSession();
    await api.client.delete(`/sessions/${session}`);
    expect((await api.client.post(`/sessions/${session}/execute`, HELLO)).status).toBe(404);
  });
});

function nested(depth: number): object {
  return depth === 0 ? {} : { inner: nested(depth - 1) };
}
