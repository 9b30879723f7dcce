import { startEnvironment, type Environment } from './environment.ts';
import { API_VERSION, widget, widgetsIn } from './widget-crd.ts';

let env: Environment;
let widgets: string;

beforeAll(async () => {
  env = await startEnvironment();
  widgets = widgetsIn(env.namespace);
});
afterAll(() => env.close());

describe('create', () => {
  test('gives the object its identity and drops a status', async () => {
    const { code, body } = await env.api.post(widgets, {
      ...widget('made'),
      status: { phase: 'Invented' },
    });
    expect(code).toBe(201);
    expect(body).toMatchObject({ apiVersion: API_VERSION, kind: 'Widget', spec: { size: 1 } });
    expect(body.metadata).toMatchObject({
      name: 'made',
      namespace: env.namespace,
      generation: 1,
      uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      resourceVersion: expect.stringMatching(/^\d+$/),
      creationTimestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    });
    expect(body.status).toBeUndefined();
    expect((await env.api.get(`${widgets}/made`)).body).toEqual(body);
  });

  test('of a name that is taken is AlreadyExists', async () => {
    await env.api.post(widgets, widget('twice'));
    const { code, body } = await env.api.post(widgets, widget('twice'));
    expect(code).toBe(409);
    expect(body).toEqual({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'widgets.contract.sandbox.test "twice" already exists',
      reason: 'AlreadyExists',
      details: { name: 'twice', group: 'contract.sandbox.test', kind: 'widgets' },
      code: 409,
    });
  });

  test('with generateName makes a fresh name', async () => {
    const draft = { ...widget(''), metadata: { generateName: 'gen-' } };
    const [first, second] = [
      await env.api.post(widgets, draft),
      await env.api.post(widgets, draft),
    ];
    expect(first.body.metadata.name).toMatch(/^gen-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(second.body.metadata.name).not.toBe(first.body.metadata.name);
  });

  test('without any name is Invalid', async () => {
    const { code, body } = await env.api.post(widgets, { ...widget(''), metadata: {} });
    expect(code).toBe(422);
    expect(body.message).toContain(
      'metadata.name: Required value: name or generateName is required',
    );
  });

  test.each([
    [
      'an upper-case name',
      'Bad',
      'metadata.name: Invalid value: "Bad": a lowercase RFC 1123 subdomain must consist of',
    ],
    ['a name with a slash', 'a/b', 'metadata.name: Invalid value: "a/b"'],
  ])('with %s is Invalid', async (_, name, message) => {
    const { code, body } = await env.api.post(widgets, widget(name));
    expect([code, body.reason]).toEqual([422, 'Invalid']);
    expect(body.message).toContain(message);
  });

  test.each([
    ['a bad label value', { labels: { a: 'b c' } }, 'metadata.labels: Invalid value: "b c"'],
    ['a bad label key', { labels: { 'a/b/c': 'd' } }, 'metadata.labels: Invalid value: "a/b/c"'],
    [
      'an owner without uid',
      { ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'x', uid: '' }] },
      'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
    ],
  ])('with %s is Invalid', async (_, metadata, message) => {
    const { code, body } = await env.api.post(widgets, widget('labelled', {}, metadata));
    expect(code).toBe(422);
    expect(body.message).toContain(message);
  });

  test('in a namespace that is not there is NotFound', async () => {
    const { code, body } = await env.api.post(widgetsIn('nowhere'), widget('lost'));
    expect(code).toBe(404);
    expect(body).toMatchObject({
      message: 'namespaces "nowhere" not found',
      details: { name: 'nowhere', kind: 'namespaces' },
    });
  });

  test('in another namespace than that of the object is a bad request', async () => {
    const { code, body } = await env.api.post(
      widgets,
      widget('elsewhere', {}, { namespace: 'default' }),
    );
    expect(code).toBe(400);
    expect(body.message).toBe(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  });

  test('with a resource version is refused', async () => {
    const { body } = await env.api.post(widgets, widget('versioned', {}, { resourceVersion: '5' }));
    expect(body.message).toBe('resourceVersion should not be set on objects to be created');
  });

  test('as a dry run leaves nothing behind', async () => {
    const { code, body } = await env.api.post(`${widgets}?dryRun=All`, widget('dry'));
    expect([code, body.spec]).toEqual([201, expect.objectContaining({ size: 1, color: 'red' })]);
    expect((await env.api.get(`${widgets}/dry`)).code).toBe(404);
  });

  test.each([
    [
      'no kind',
      { apiVersion: API_VERSION, metadata: { name: 'x' } },
      "Object 'Kind' is missing in",
    ],
    ['broken JSON', '{bad', "couldn't get version/kind; json parse error"],
    [
      'another version',
      { ...widget('x'), apiVersion: 'contract.sandbox.test/v2' },
      'does not match the expected API version',
    ],
  ])('with %s is a bad request', async (_, body, message) => {
    const reply = await env.api.post(widgets, body);
    expect(reply.code).toBe(400);
    expect(reply.body.message).toContain(message);
  });

  test('of another kind is Invalid', async () => {
    const { code, body } = await env.api.post(widgets, { ...widget('x'), kind: 'Gadget' });
    expect(code).toBe(422);
    expect(body.message).toBe(
      'Gadget.contract.sandbox.test "x" is invalid: kind: Invalid value: "Gadget": must be Widget',
    );
  });
});

describe('read', () => {
  test('of what is not there is NotFound', async () => {
    const { code, body } = await env.api.get(`${widgets}/none`);
    expect(code).toBe(404);
    expect(body).toMatchObject({
      reason: 'NotFound',
      message: 'widgets.contract.sandbox.test "none" not found',
      details: { name: 'none', group: 'contract.sandbox.test', kind: 'widgets' },
    });
  });

  test('of an unknown resource is a page that is not found', async () => {
    const { code, text } = await env.api.get(widgets.replace('widgets', 'gadgets'));
    expect([code, text]).toEqual([404, '404 page not found\n']);
  });

  test('with a wrong token is Unauthorized', async () => {
    const { code, body } = await env.api.get(widgets, { token: 'wrong' });
    expect([code, body.reason, body.message]).toEqual([401, 'Unauthorized', 'Unauthorized']);
  });

  test('of health and version needs no token', async () => {
    for (const at of ['/healthz', '/livez', '/readyz', '/version'])
      expect((await env.api.get(at, { token: '' })).code).toBe(200);
  });

  test('a verb that a path does not have is not allowed', async () => {
    const { code, body } = await env.api.merge(`/api/v1/namespaces/${env.namespace}/pods`, {});
    expect([code, body.reason]).toEqual([405, 'MethodNotAllowed']);
  });
});

describe('replace', () => {
  test('changes the spec, counts a generation and leaves the status', async () => {
    const created = await env.api.post(widgets, widget('replaced'));
    await env.api.merge(`${widgets}/replaced/status`, { status: { phase: 'Ready' } });
    const current = await env.api.get(`${widgets}/replaced`);
    const { code, body } = await env.api.put(`${widgets}/replaced`, {
      ...current.body,
      spec: { size: 2 },
      status: { phase: 'Other' },
    });
    expect(code).toBe(200);
    expect(body).toMatchObject({
      spec: { size: 2, color: 'red' },
      status: { phase: 'Ready' },
      metadata: { generation: 2 },
    });
    expect(body.metadata.uid).toBe(created.body.metadata.uid);
    expect(Number(body.metadata.resourceVersion)).toBeGreaterThan(
      Number(current.body.metadata.resourceVersion),
    );
  });

  test('of an old version is a Conflict', async () => {
    const { body: old } = await env.api.post(widgets, widget('stale'));
    await env.api.merge(`${widgets}/stale`, { spec: { size: 2 } });
    const { code, body } = await env.api.put(`${widgets}/stale`, { ...old, spec: { size: 3 } });
    expect(code).toBe(409);
    expect(body).toMatchObject({
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on widgets.contract.sandbox.test "stale": the object has been modified; please apply your changes to the latest version and try again',
    });
  });

  test('without a resource version is Invalid', async () => {
    await env.api.post(widgets, widget('unversioned'));
    const { code, body } = await env.api.put(`${widgets}/unversioned`, widget('unversioned'));
    expect(code).toBe(422);
    expect(body.message).toContain(
      'metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    );
  });

  test('of what is not there is NotFound', async () => {
    expect(
      (await env.api.put(`${widgets}/absent`, widget('absent', {}, { resourceVersion: '1' }))).code,
    ).toBe(404);
  });

  test('with another name than that of the URL is a bad request', async () => {
    const { body: created } = await env.api.post(widgets, widget('named'));
    const other = { ...created, metadata: { ...created.metadata, name: 'other' } };
    const { code, body } = await env.api.put(`${widgets}/named`, other);
    expect([code, body.message]).toEqual([
      400,
      'the name of the object (other) does not match the name on the URL (named)',
    ]);
  });

  test('with another uid is a Conflict', async () => {
    const { body: created } = await env.api.post(widgets, widget('identified'));
    const other = { ...created, metadata: { ...created.metadata, uid: 'another' } };
    const { code, body } = await env.api.put(`${widgets}/identified`, other);
    expect([code, body.reason]).toEqual([409, 'Conflict']);
  });

  test('by the same content writes nothing', async () => {
    const { body: created } = await env.api.post(widgets, widget('same'));
    const { body } = await env.api.put(`${widgets}/same`, created);
    expect(body.metadata.resourceVersion).toBe(created.metadata.resourceVersion);
  });

  test('of metadata alone counts no generation', async () => {
    const { body: created } = await env.api.post(widgets, widget('relabelled'));
    const { body } = await env.api.put(`${widgets}/relabelled`, {
      ...created,
      metadata: {
        ...created.metadata,
        labels: { a: 'b' },
        generation: 99,
        creationTimestamp: '2001-01-01T00:00:00Z',
      },
    });
    expect(body.metadata).toMatchObject({
      generation: 1,
      labels: { a: 'b' },
      creationTimestamp: created.metadata.creationTimestamp,
    });
  });
});

describe('the status subresource', () => {
  test('changes nothing but the status', async () => {
    await env.api.post(widgets, widget('reported'));
    const { code, body } = await env.api.merge(`${widgets}/reported/status`, {
      metadata: { labels: { a: 'b' }, finalizers: ['a.example/b'] },
      spec: { size: 9 },
      status: { phase: 'Ready', invented: true },
    });
    expect(code).toBe(200);
    expect(body).toMatchObject({
      spec: { size: 1 },
      status: { phase: 'Ready' },
      metadata: { generation: 1 },
    });
    expect(body.status).toEqual({ phase: 'Ready' });
    expect([body.metadata.labels, body.metadata.finalizers]).toEqual([undefined, undefined]);
  });

  test('can be read and replaced', async () => {
    const { body: created } = await env.api.post(widgets, widget('status-replaced'));
    await env.api.put(`${widgets}/status-replaced/status`, {
      ...created,
      spec: { size: 4 },
      status: { phase: 'Done' },
    });
    expect((await env.api.get(`${widgets}/status-replaced/status`)).body).toMatchObject({
      spec: { size: 1 },
      status: { phase: 'Done' },
    });
  });

  test('is checked against the schema', async () => {
    await env.api.post(widgets, widget('misreported'));
    const { code, body } = await env.api.merge(`${widgets}/misreported/status`, {
      status: { phase: 1 },
    });
    expect(code).toBe(422);
    expect(body).toMatchObject({
      details: {
        causes: expect.arrayContaining([expect.objectContaining({ field: 'status.phase' })]),
      },
    });
  });
});
