import { anonymousIn } from './auth/principal.ts';
import { SANDBOX_TEMPLATES } from '../crds/sandbox-template.ts';
import { Repository } from './repository.ts';
import { createTemplateRequest } from './schemas/template.ts';
import { Templates } from './templates.ts';
import { RestApi } from '../test/fakes/rest-api.ts';

let api: RestApi;
beforeEach(async () => {
  api = await RestApi.start();
});
afterEach(() => api.stop());

const MINIMAL = {
  id: 'test_template_python',
  name: 'Test',
  image_url: 'sandbox-template-python-basic:latest',
  runtime_type: 'python3.11',
};

function create(change: object = {}) {
  return api.client.post('/templates', { ...MINIMAL, ...change });
}

describe('creating', () => {
  test('cases 122, 131 and 134: the four required fields are enough', async () => {
    const { status, body } = await create();
    expect(status).toBe(201);
    expect(body).toEqual({
      ...MINIMAL,
      default_cpu_cores: 0.5,
      default_memory_mb: 512,
      default_disk_mb: 1024,
      default_timeout_sec: 300,
      default_env_vars: null,
      pre_installed_packages: [],
      default_on_idle: 'terminate',
      max_concurrent_executions: 16,
      is_active: true,
      created_at: '2026-11-24T07:02:20.607Z',
      updated_at: '2026-11-24T07:02:20.607Z',
    });
  });

  test('case 131: what was sent is what is read, also what the reference loses', async () => {
    const sent = {
      default_cpu_cores: 0.25,
      default_memory_mb: 1024,
      default_disk_mb: 5120,
      default_timeout: 600,
      default_env_vars: { A: 'b' },
      max_concurrent_executions: 4,
    };
    const { body } = await create(sent);
    const { default_timeout: timeout, ...echoed } = sent;
    expect(body).toMatchObject({ ...echoed, default_timeout_sec: timeout });
    expect((await api.client.get(`/templates/${MINIMAL.id}`)).body).toEqual(body);
    const [, made] = api.cluster.all(SANDBOX_TEMPLATES);
    expect(made?.spec).toMatchObject({
      resources: { cpu: '250m', memory: '1024Mi', disk: '5120Mi' },
      timeouts: { idleSeconds: 600 },
    });
  });

  test('numeric text and default_timeout_sec are read too', async () => {
    const { body } = await create({ default_cpu_cores: '2', default_timeout_sec: 120 });
    expect(body).toMatchObject({ default_cpu_cores: 2, default_timeout_sec: 120 });
  });

  test('case 123: a taken id or name is 409', async () => {
    await create();
    const sameId = await create({ name: 'Other' });
    expect({ status: sameId.status, code: sameId.body['code'] }).toEqual({
      status: 409,
      code: 'TemplateExists',
    });
    expect(sameId.body['detail']).toBe('Template ID already exists: test_template_python');
    const sameName = await create({ id: 'other' });
    expect({ status: sameName.status, code: sameName.body['code'] }).toEqual({
      status: 409,
      code: 'TemplateNameTaken',
    });
    expect(sameName.body['detail']).toBe('Template name already exists: Test');
  });

  test('two at the same moment cannot take the same name', async () => {
    api.templates.hold();
    const { cluster: client, templates: cache, clock } = api;
    const namespace = 'default';
    const repository = new Repository({ client, cache, clock, namespace, type: SANDBOX_TEMPLATES });
    const templates = new Templates({ templates: repository, namespace, clock });
    const context = {
      requestId: 'r',
      logger: api.logger,
      signal: new AbortController().signal,
      principal: anonymousIn(namespace),
      audited: { action: 'createTemplate', object: null },
      charge: () => undefined,
      closing: new AbortController().signal,
    };
    const bodies = ['one', 'two'].map((id) => createTemplateRequest.parse({ ...MINIMAL, id }));
    const outcomes = await Promise.allSettled(
      bodies.map((body) => templates.create(body, context)),
    );
    expect(outcomes).toMatchObject([
      { status: 'fulfilled' },
      { reason: { code: 'TemplateNameTaken' } },
    ]);
  });

  test.each([['python3.11'], ['nodejs20'], ['java17'], ['go1.21']])(
    'case 132: runtime %s is accepted and kept',
    async (runtime) => {
      expect((await create({ runtime_type: runtime })).body['runtime_type']).toBe(runtime);
    },
  );

  test('packages of every session may be told in two fields or in one string', async () => {
    const { body } = await create({
      pre_installed_packages: ['numpy==1.26.4', 'pandas>=2,<3', 'six', { name: 'a', version: '1' }],
    });
    const packages = [
      { name: 'numpy', version: '==1.26.4' },
      { name: 'pandas', version: '>=2,<3' },
      { name: 'six', version: null },
      { name: 'a', version: '==1' },
    ];
    expect(body['pre_installed_packages']).toEqual(packages);
    const { body: updated } = await api.client.put(`/templates/${MINIMAL.id}`, {
      pre_installed_packages: [],
    });
    expect(updated['pre_installed_packages']).toEqual([]);
  });

  test('a package of npm may have a scope', async () => {
    const { body } = await create({
      runtime_type: 'nodejs20',
      pre_installed_packages: ['@scope/pad@1.3.0', 'left'],
    });
    expect(body['pre_installed_packages']).toEqual([
      { name: '@scope/pad', version: '1.3.0' },
      { name: 'left', version: null },
    ]);
  });

  const refused: readonly (readonly [string, object])[] = [
    ...['python3.10', 'nodejs18', 'java11', 'go1.20', 'ruby3.0', 'invalid'].map(
      (runtime) => ['case 132: runtime', { runtime_type: runtime }] as const,
    ),
    ['case 133: empty image', { image_url: '' }],
    ['case 133: missing image', { image_url: undefined }],
    ['case 136: no cpu', { default_cpu_cores: 0 }],
    ['case 136: too much cpu', { default_cpu_cores: 5 }],
    ['case 136: too little memory', { default_memory_mb: 64 }],
    ['case 136: too little disk', { default_disk_mb: 100 }],
    ['case 136: too short a timeout', { default_timeout: 30 }],
    ['no execution at a time', { max_concurrent_executions: 0 }],
    ['more executions at a time than an executor takes', { max_concurrent_executions: 65 }],
    ['too short a timeout by its other name', { default_timeout_sec: 30 }],
    ['an option for a package', { pre_installed_packages: ['--index-url=http://x'] }],
    ['a package from an address', { pre_installed_packages: ['six @ https://x/six.whl'] }],
    ['id of 65 characters', { id: 'x'.repeat(65) }],
    ['id with a slash', { id: 'a/b' }],
    ['name of 256 characters', { name: 'x'.repeat(256) }],
  ];
  test.each(refused)('%s: %j is 422 and creates nothing', async (_what, change) => {
    expect((await create(change)).status).toBe(422);
    expect(api.cluster.all(SANDBOX_TEMPLATES).map(({ metadata }) => metadata.name)).toEqual([
      'python-basic',
    ]);
  });

  test('the longest id and name that the API allows work, unlike in the reference', async () => {
    const { status, body } = await create({ id: 'x'.repeat(64), name: 'n'.repeat(255) });
    expect(status).toBe(201);
    expect((await api.client.get(`/templates/${String(body['id'])}`)).body['name']).toBe(
      'n'.repeat(255),
    );
  });
});

describe('reading', () => {
  test('cases 124 and 125: the list is a bare array, ordered by name', async () => {
    await create({ id: 'b', name: 'Beta' });
    await create({ id: 'a', name: 'Alpha' });
    const { text } = await api.client.get('/templates');
    expect(JSON.parse(text)).toMatchObject([
      { id: 'a', name: 'Alpha' },
      { id: 'b' },
      { id: 'python-basic', name: 'python-basic' },
    ]);
  });

  test.each([
    ['limit=1&offset=1', 200, 1],
    ['limit=0', 200, 0],
    ['offset=9', 200, 0],
    ['limit=-1', 422, undefined],
    ['offset=-1', 422, undefined],
  ])('a list with %s is %d', async (query, status, length) => {
    await create();
    const answer = await api.client.get(`/templates?${query}`);
    expect(answer.status).toBe(status);
    if (length !== undefined) expect(answer.body['list']).toHaveLength(length);
  });

  test('case 126: an unknown one is 404', async () => {
    const { status, body } = await api.client.get('/templates/unknown');
    expect({ status, code: body['code'], detail: body['detail'] }).toEqual({
      status: 404,
      code: 'TemplateNotFound',
      detail: 'Template not found: unknown',
    });
  });

  test('one that cannot be used is not active', async () => {
    const lastTransitionTime = '2026-11-24T08:00:00Z';
    const ready = {
      type: 'Ready',
      status: 'False',
      reason: 'Invalid',
      message: 'bad image',
      lastTransitionTime,
    } as const;
    api.cluster.setStatus(SANDBOX_TEMPLATES, 'python-basic', { conditions: [ready] });
    expect((await api.client.get('/templates/python-basic')).body).toMatchObject({
      is_active: false,
      updated_at: lastTransitionTime,
    });
  });
});

describe('changing', () => {
  test('cases 127, 128 and 129: what is named changes, the rest stays, though the cache lags behind', async () => {
    await create({ default_env_vars: { A: 'b' } });
    api.templates.hold();
    const path = `/templates/${MINIMAL.id}`;
    expect(
      (await api.client.put(path, { default_cpu_cores: 2.0, default_memory_mb: 1024 })).status,
    ).toBe(200);
    expect(
      (await api.client.put(path, { name: 'Renamed', default_timeout: 600, image_url: null }))
        .status,
    ).toBe(200);
    expect((await api.client.get(path)).body).toMatchObject({
      ...MINIMAL,
      name: 'Renamed',
      default_cpu_cores: 2,
      default_memory_mb: 1024,
      default_disk_mb: 1024,
      default_timeout_sec: 600,
      default_env_vars: { A: 'b' },
    });
  });

  test('case 128: the name of another template is 409, its own is not', async () => {
    await create();
    const path = `/templates/${MINIMAL.id}`;
    expect((await api.client.put(path, { name: 'python-basic' })).status).toBe(409);
    expect((await api.client.put(path, { name: MINIMAL.name })).status).toBe(200);
  });

  test('runtime_type is not updatable and is ignored like any unknown field; nothing named, nothing written', async () => {
    await create();
    const before = api.cluster.writes.length;
    const { status, body } = await api.client.put(`/templates/${MINIMAL.id}`, {
      runtime_type: 'go1.21',
    });
    expect({ status, runtime: body['runtime_type'] }).toEqual({
      status: 200,
      runtime: 'python3.11',
    });
    expect(api.cluster.writes.length).toBe(before);
  });

  test('variables from Secrets are neither shown nor lost', async () => {
    const secret = { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } };
    await api.addTemplate('secret', { env: [secret, { name: 'OLD', value: 'x' }] });
    const { body } = await api.client.put('/templates/secret', { default_env_vars: { NEW: 'y' } });
    expect(body['default_env_vars']).toEqual({ NEW: 'y' });
    const stored = api.cluster
      .all(SANDBOX_TEMPLATES)
      .find(({ metadata }) => metadata.name === 'secret');
    expect(stored?.spec.env).toEqual([secret, { name: 'NEW', value: 'y' }]);
  });

  test.each([[{ default_cpu_cores: 5 }], [{ name: '' }], [{ default_timeout_sec: 30 }], [[]]])(
    '%j is 422',
    async (body) => {
      expect((await api.client.put('/templates/python-basic', body)).status).toBe(422);
    },
  );

  test('case 137: an unknown one is 404', async () => {
    expect((await api.client.put('/templates/unknown', {})).status).toBe(404);
    expect((await api.client.delete('/templates/unknown')).status).toBe(404);
  });
});

describe('deleting', () => {
  test('case 130: is 200 with a message, and then it is gone though the cache lags behind', async () => {
    api.templates.hold();
    expect(await api.client.delete('/templates/python-basic')).toMatchObject({
      status: 200,
      body: { message: 'Template deleted successfully' },
    });
    expect((await api.client.get('/templates/python-basic')).status).toBe(404);
  });

  test('case 135: is accepted while a session uses it; the session goes on', async () => {
    await create();
    const id = await api.runningSession({ template_id: MINIMAL.id });
    await api.client.put(`/templates/${MINIMAL.id}`, { default_cpu_cores: 1 });
    expect((await api.client.delete(`/templates/${MINIMAL.id}`)).status).toBe(200);
    expect((await api.client.get(`/sessions/${id}`)).body).toMatchObject({
      status: 'running',
      template_id: MINIMAL.id,
    });
  });

  test('the id and the name are free again at once', async () => {
    api.templates.hold();
    await create();
    await api.client.delete(`/templates/${MINIMAL.id}`);
    expect((await create()).status).toBe(201);
  });
});
