import { RestApi } from '../test/fakes/rest-api.ts';
import { SANDBOXES } from '../crds/sandbox.ts';

let api: RestApi;
beforeEach(async () => {
  api = await RestApi.start();
});
afterEach(() => api.stop());

const MINIMAL = { template_id: 'python-basic', timeout: 300 };

describe('creating', () => {
  test('case 9: answers 201 with what was asked for', async () => {
    const { status, body } = await api.client.post('/sessions', {
      ...MINIMAL,
      cpu: '1',
      memory: '512Mi',
      disk: '1Gi',
      env_vars: {},
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({ template_id: 'python-basic', status: 'creating' });
  });

  test('cases 10 and 28: what is left out has the documented defaults, as the template of the reference has them', async () => {
    const { status, body } = await api.client.post('/sessions', { template_id: 'python-basic' });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      resource_limit: { cpu: '1', memory: '512Mi', disk: '1Gi', max_processes: 128 },
      timeout: 300,
      python_package_index_url: 'https://pypi.org/simple/',
      requested_dependencies: [],
      dependency_install_status: 'completed',
    });
  });

  test("what is left out is the template's to say, also later", async () => {
    const resources = { cpu: '4', memory: '8Gi', disk: '50Gi' };
    await api.addTemplate('large', { resources, timeouts: { idleSeconds: 900 } });
    const { body } = await api.client.post('/sessions', { template_id: 'large', cpu: '2' });
    expect(body).toMatchObject({ resource_limit: { ...resources, cpu: '2' }, timeout: 900 });
    const { spec } = api.sandbox(body['id']);
    expect(spec).toMatchObject({ resources: { cpu: '2' }, timeouts: {} });
    expect(Object.keys({ ...spec.resources, ...spec.timeouts })).toEqual(['cpu']);
  });

  test('costs one API write, finalizer, labels and annotations included', async () => {
    const before = api.cluster.writes.length;
    const { body } = await api.client.post('/sessions', MINIMAL);
    expect(api.cluster.writes.length - before).toBe(1);
    expect(api.sandbox(body['id'])).toMatchObject({
      metadata: {
        finalizers: ['sandbox.ai/cleanup'],
        labels: {
          'sandbox.ai/template': 'python-basic',
          'app.kubernetes.io/managed-by': 'sandbox-control-plane',
        },
        annotations: {
          'sandbox.ai/rest-id': body['id'],
          'sandbox.ai/created-at': '2026-11-24T07:02:20.607Z',
        },
      },
      spec: {
        templateRef: { name: 'python-basic' },
        desiredState: 'Running',
        timeouts: { idleSeconds: 300 },
      },
    });
  });

  test('case 11: an unknown template is 400 and creates nothing', async () => {
    const { status, body } = await api.client.post('/sessions', {
      ...MINIMAL,
      template_id: 'non-existent-template-xyz',
    });
    expect({ status, code: body['code'] }).toEqual({ status: 400, code: 'UnknownTemplate' });
    expect(body['detail']).toBe('Template not found: non-existent-template-xyz');
    expect(api.cluster.all(SANDBOXES)).toEqual([]);
  });

  test.each([
    ['case 12: timeout too long', { timeout: 5000 }, 'timeout'],
    ['case 12: timeout 0', { timeout: 0 }, 'timeout'],
    ['timeout with a fraction', { timeout: 1.5 }, 'timeout'],
    ['case 22: empty id', { id: '' }, 'id'],
    ['case 22: id of 65 characters', { id: 'x'.repeat(65) }, 'id'],
    ['id with a slash', { id: 'a/b' }, 'id'],
    ['id with a backslash', { id: 'a\\b' }, 'id'],
    ['id that climbs', { id: '..' }, 'id'],
    ['id with .. inside', { id: 'a..b' }, 'id'],
    ['id that is a dot', { id: '.' }, 'id'],
    ['id with a line break', { id: 'a\nb' }, 'id'],
    ['id with NUL', { id: 'a\0b' }, 'id'],
    ['id with a lone surrogate', { id: 'a\ud800' }, 'id'],
    ['id that is a number', { id: 7 }, 'id'],
    ['case 23: missing template', { template_id: undefined }, 'template_id'],
    ['case 23: empty template', { template_id: '' }, 'template_id'],
    ['case 24: cpu is no number', { cpu: 'abc' }, 'cpu'],
    ['cpu nan', { cpu: 'nan' }, 'cpu'],
    ['cpu inf', { cpu: 'inf' }, 'cpu'],
    ['cpu as a number', { cpu: 1 }, 'cpu'],
    ['case 25: variable that is no text', { env_vars: { A: 1 } }, 'env_vars'],
    ['variable whose name no shell takes', { env_vars: { 'A-B': 'x' } }, 'env_vars'],
    ['variable with NUL', { env_vars: { A: 'x\0' } }, 'env_vars'],
    [
      '65 variables',
      { env_vars: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`V${String(n)}`, ''])) },
      'env_vars',
    ],
    [
      'variables of more than 64 KiB',
      { env_vars: Object.fromEntries(['A', 'B', 'C'].map((name) => [name, 'x'.repeat(30_000)])) },
      'env_vars',
    ],
    ['install_timeout out of bounds', { install_timeout: 10 }, 'install_timeout'],
  ])('%s is 422, names the field and creates nothing', async (_what, change, field) => {
    const { status, body } = await api.client.post('/sessions', { ...MINIMAL, ...change });
    expect({ status, code: body['code'] }).toEqual({ status: 422, code: 'InvalidRequest' });
    expect(body['detail']).toEqual([
      expect.objectContaining({
        loc: expect.arrayContaining(['body', field]),
        msg: expect.any(String),
      }),
    ]);
    expect(api.cluster.all(SANDBOXES)).toEqual([]);
  });

  test.each([
    ['cpu', '0'],
    ['cpu', '-1'],
    ['cpu', '1e9'],
    ['memory', '1G'],
    ['memory', '512mi'],
    ['memory', '1.5Gi'],
    ['memory', '-5Mi'],
    ['memory', '0Mi'],
    ['disk', '1G'],
    ['disk', '1.5Gi'],
  ])('case 24: %s %s is 400, flat or nested, and creates nothing', async (field, value) => {
    for (const change of [{ [field]: value }, { resources: { [field]: value } }]) {
      const { status, body } = await api.client.post('/sessions', { ...MINIMAL, ...change });
      expect({ status, code: body['code'] }).toEqual({ status: 400, code: 'InvalidQuantity' });
      expect(body['detail']).toBe(`Invalid ${field} format: ${value}`);
    }
    expect(api.cluster.all(SANDBOXES)).toEqual([]);
  });

  test('case 13: unknown fields are ignored', async () => {
    const { status } = await api.client.post('/sessions', {
      ...MINIMAL,
      mode: 'persistent',
      agent_id: 7,
    });
    expect(status).toBe(201);
  });

  test('case 14: variables are echoed', async () => {
    const env = { CUSTOM_VAR_1: 'value1', CUSTOM_VAR_2: '' };
    const { body } = await api.client.post('/sessions', { ...MINIMAL, env_vars: env });
    expect(body['env_vars']).toEqual(env);
    expect(api.sandbox(body['id']).spec.env).toEqual([
      { name: 'CUSTOM_VAR_1', value: 'value1' },
      { name: 'CUSTOM_VAR_2', value: '' },
    ]);
  });

  test('case 15: resources are echoed, flat ones before nested ones', async () => {
    const { body: flat } = await api.client.post('/sessions', {
      ...MINIMAL,
      cpu: '2',
      memory: '1Gi',
      disk: '5Gi',
    });
    expect(flat['resource_limit']).toMatchObject({ cpu: '2', memory: '1Gi', disk: '5Gi' });
    const resources = { cpu: '2', memory: '1Gi', max_processes: 64 };
    const { body: mixed } = await api.client.post('/sessions', {
      ...MINIMAL,
      cpu: '0.5',
      resources,
    });
    expect(mixed['resource_limit']).toMatchObject({ cpu: '0.5', memory: '1Gi', disk: '1Gi' });
  });

  test('numeric text counts as a number, as in the reference', async () => {
    const { status, body } = await api.client.post('/sessions', { ...MINIMAL, timeout: '600' });
    expect({ status, timeout: body['timeout'] }).toEqual({ status: 201, timeout: 600 });
  });

  test('case 16: a get right after shows it as creating, though the cache lags behind', async () => {
    api.sandboxes.hold();
    const { body } = await api.client.post('/sessions', MINIMAL);
    const id = String(body['id']);
    expect((await api.client.get(`/sessions/${id}`)).body).toEqual(body);
    expect((await api.client.get('/sessions')).body).toMatchObject({ total: 1, items: [{ id }] });
    api.sandboxes.release();
    expect((await api.client.get('/sessions')).body).toMatchObject({ total: 1, items: [{ id }] });
  });

  test('cases 17 and 18: it shows as running, with its container, once the operator says so', async () => {
    const id = await api.runningSession();
    const { body } = await api.client.get(`/sessions/${id}`);
    expect(body).toMatchObject({
      status: 'running',
      container_id: `pod-${id}`,
      reason: 'ExecutorAnswering',
    });
  });

  test('case 19: several at once get distinct ids', async () => {
    const answers = await Promise.all([1, 2, 3].map(() => api.client.post('/sessions', MINIMAL)));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(answers.map(({ body }) => body['id'])).size).toBe(3);
  });

  test.each([['demo'], ['test_invalid_dependency_install'], ['Üpper Case: 😀'], ['a'.repeat(64)]])(
    'case 20: the id of a client is kept: %s',
    async (id) => {
      const { status, body } = await api.client.post('/sessions', { ...MINIMAL, id });
      expect({ status, id: body['id'] }).toEqual({ status: 201, id });
      const { body: read } = await api.client.get(`/sessions/${encodeURIComponent(id)}`);
      expect(read['id']).toBe(id);
    },
  );

  test('an object name is no id: only the id that was given finds the session', async () => {
    await api.client.post('/sessions', { ...MINIMAL, id: 'My Session' });
    const { name } = api.sandbox('My Session').metadata;
    expect((await api.client.get(`/sessions/${name}`)).status).toBe(404);
  });

  test('case 27: generated ids look like those of the reference', async () => {
    const { body } = await api.client.post('/sessions', { ...MINIMAL, id: null });
    expect(body['id']).toMatch(/^sess_\d{8}_[0-9a-f]{8}$/);
  });
});
