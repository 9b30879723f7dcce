import { RestApi } from '../test/fakes/rest-api.ts';
import { SANDBOXES } from '../crds/sandbox.ts';

let api: RestApi;
beforeEach(async () => {
  api = await RestApi.start();
});
afterEach(() => api.stop());

const MINIMAL = { template_id: 'python-basic', timeout: 300 };

describe('reading', () => {
  test('case 32: an unknown session is 404 in the words of the reference', async () => {
    const { status, body } = await api.client.get('/sessions/unknown');
    expect(status).toBe(404);
    expect(body).toMatchObject({
      error: 'Not Found',
      message: 'Session not found: unknown',
      detail: 'Session not found: unknown',
      code: 'SessionNotFound',
    });
  });

  test.each([['a%2Fb'], ['..%2F..%2Fetc'], ['x%00y'], ['%2E%2E%5Cx'], ['x'.repeat(65)]])(
    'no id is read as a path: %s',
    async (id) => {
      for (const path of [`/sessions/${id}`, `/sessions/${id}/executions`]) {
        const { status, body } = await api.client.get(path);
        expect({ status, code: body['code'] }).toEqual({ status: 422, code: 'InvalidRequest' });
      }
    },
  );

  test('one that another replica created a moment ago is found though no cache has it', async () => {
    api.sandboxes.hold();
    const other = await RestApi.startBeside(api);
    const { body } = await api.client.post('/sessions', { ...MINIMAL, id: 'demo' });
    expect((await other.client.get('/sessions/demo')).body).toMatchObject({ id: body['id'] });
    await other.stop();
  });

  test.each([
    ['Pending', 'creating'],
    ['Running', 'running'],
    ['Recovering', 'creating'],
    ['Terminating', 'terminated'],
    ['Terminated', 'terminated'],
    ['Failed', 'failed'],
  ] as const)('phase %s shows as %s', async (phase, status) => {
    const id = await api.runningSession();
    api.reportSession(id, { phase });
    expect((await api.client.get(`/sessions/${id}`)).body['status']).toBe(status);
  });

  test('case 29: a failed session stays visible and says why', async () => {
    const id = await api.runningSession();
    api.reportSession(id, {
      phase: 'Failed',
      reason: 'ImagePullFailed',
      message: 'no such image',
      terminatedAt: '2026-11-24T07:05:00Z',
    });
    expect((await api.client.get(`/sessions/${id}`)).body).toMatchObject({
      status: 'failed',
      reason: 'ImagePullFailed',
      message: 'no such image',
      completed_at: '2026-11-24T07:05:00Z',
      updated_at: '2026-11-24T07:05:00Z',
    });
  });

  test('one that kubectl made shows what its template gives it', async () => {
    await api.addTemplate('node', {
      runtime: 'nodejs20',
      resources: { cpu: '2' },
      timeouts: { idleSeconds: 60 },
    });
    const { body } = await api.client.post('/sessions', { template_id: 'node' });
    const { metadata, spec, ...rest } = api.sandbox(body['id']);
    await api.cluster.create(SANDBOXES, {
      ...rest,
      metadata: { name: 'by-hand', namespace: 'default' },
      spec: { ...spec, resources: {}, timeouts: {} },
    });
    expect(metadata.name).not.toBe('by-hand');
    expect((await api.client.get('/sessions/by-hand')).body).toMatchObject({
      template_id: 'node',
      language_runtime: 'nodejs20',
      resource_limit: { cpu: '2', memory: '512Mi' },
      timeout: 60,
    });
  });
});

describe('listing', () => {
  async function three(): Promise<string[]> {
    const ids: string[] = [];
    for (const [template, id] of [
      ['python-basic', 'first'],
      ['test_node', 'second'],
      ['python-basic', 'third'],
    ]) {
      api.clock.advance(5);
      ids.push(await api.runningSession({ template_id: template, id }));
    }
    return ids;
  }

  beforeEach(async () => {
    await api.client.post('/templates', {
      id: 'test_node',
      name: 'Node',
      image_url: 'node:1',
      runtime_type: 'nodejs20',
    });
  });

  test('cases 33, 38 and 39: newest first, to the millisecond, with envelope and container', async () => {
    await three();
    const { status, body } = await api.client.get('/sessions');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      items: [{ id: 'third', container_id: 'pod-third' }, { id: 'second' }, { id: 'first' }],
      total: 3,
      limit: 50,
      offset: 0,
      has_more: false,
    });
  });

  test('case 34: by status; an unknown status finds nothing', async () => {
    const [first] = await three();
    api.reportSession(first, { phase: 'Failed' });
    expect((await api.client.get('/sessions?status=running')).body).toMatchObject({ total: 2 });
    expect((await api.client.get('/sessions?status=failed')).body).toMatchObject({
      items: [{ id: 'first' }],
    });
    expect(await api.client.get('/sessions?status=bogus')).toMatchObject({
      status: 200,
      body: { items: [], total: 0 },
    });
  });

  test('case 35: by template, also of an id that is no object name, also after the template is gone', async () => {
    await three();
    expect((await api.client.get('/sessions?template_id=test_node')).body).toMatchObject({
      total: 1,
      items: [{ template_id: 'test_node' }],
    });
    expect((await api.client.delete('/templates/test_node')).status).toBe(200);
    expect((await api.client.get('/sessions?template_id=test_node')).body).toMatchObject({
      total: 1,
      items: [{ id: 'second', template_id: 'test_node', language_runtime: null }],
    });
  });

  test('with what their template said, also when that is gone and, once they ended, when another took its name', async () => {
    await api.addTemplate('gone');
    await api.client.post('/sessions', { id: 'kept', template_id: 'gone' });
    const inherited = {
      runtime: 'python3.11',
      resources: { cpu: '1', memory: '512Mi', disk: '1Gi' },
      idleSeconds: 60,
    } as const;
    const status = { phase: 'Running', inherited } as const;
    const said = {
      language_runtime: 'python3.11',
      timeout: 60,
      resource_limit: { cpu: '1', memory: '512Mi', disk: '1Gi' },
    };
    api.reportSession('kept', status);
    await api.client.delete('/templates/gone');
    expect((await api.client.get('/sessions/kept')).body).toMatchObject(said);
    api.reportSession('kept', { ...status, phase: 'Terminated' });
    await api.addTemplate('gone', { runtime: 'nodejs20' });
    expect((await api.client.get('/sessions/kept')).body).toMatchObject(said);
  });

  test('case 36: in pages', async () => {
    await three();
    expect((await api.client.get('/sessions?limit=2&offset=0')).body).toMatchObject({
      items: [{ id: 'third' }, { id: 'second' }],
      limit: 2,
      offset: 0,
      total: 3,
      has_more: true,
    });
    expect((await api.client.get('/sessions?limit=2&offset=2')).body).toMatchObject({
      items: [{ id: 'first' }],
      has_more: false,
    });
  });

  test.each([
    ['limit=300', { limit: 200 }],
    ['limit=0', { limit: 1 }],
    ['limit=-5', { limit: 1 }],
    ['offset=-1', { offset: 0 }],
  ])('case 37: %s is moved into bounds', async (query, echoed) => {
    expect(await api.client.get(`/sessions?${query}`)).toMatchObject({ status: 200, body: echoed });
  });

  test.each([['limit=abc'], ['limit=1.5'], ['limit='], ['limit=1&limit=2'], ['offset=x']])(
    'case 37: %s is 422',
    async (query) => {
      const { status, body } = await api.client.get(`/sessions?${query}`);
      expect({ status, code: body['code'] }).toEqual({ status: 422, code: 'InvalidRequest' });
    },
  );

  test('case 40: many reads at once are all answered', async () => {
    const [id] = await three();
    const paths = Array.from({ length: 10 }, (_, n) =>
      n % 2 === 0 ? `/sessions/${String(id)}` : '/health',
    );
    const answers = await Promise.all(paths.map((path) => api.client.get(path)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
  });
});
