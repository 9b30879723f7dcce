import { startEnvironment, until, type Environment } from './environment.ts';
import { widget, widgetsIn } from './widget-crd.ts';

let env: Environment;
let at: (plural: string) => string;

beforeAll(async () => {
  env = await startEnvironment();
  at = (plural) => `/api/v1/namespaces/${env.namespace}/${plural}`;
});
afterAll(() => env.close());

describe('an event', () => {
  const events = (): string => `/apis/events.k8s.io/v1/namespaces/${env.namespace}/events`;
  const event = (name: string, fields: object = {}): object => ({
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name },
    eventTime: '2026-01-02T03:04:05.000006Z',
    reportingController: 'contract.test/suite',
    reportingInstance: 'suite-1',
    action: 'Testing',
    reason: 'Tested',
    type: 'Normal',
    note: 'It was tested.',
    regarding: {
      apiVersion: 'v1',
      kind: 'Pod',
      name: 'someone',
      namespace: env.namespace,
      uid: 'uid-1',
    },
    ...fields,
  });

  test('of the new kind is read as one of the old', async () => {
    expect((await env.api.post(events(), event('new'))).code).toBe(201);
    const { body } = await env.api.get(`${at('events')}/new`);
    expect(body).toMatchObject({
      apiVersion: 'v1',
      kind: 'Event',
      involvedObject: { kind: 'Pod', name: 'someone', uid: 'uid-1' },
      message: 'It was tested.',
      reason: 'Tested',
      reportingComponent: 'contract.test/suite',
      eventTime: '2026-01-02T03:04:05.000006Z',
    });
    expect((await env.api.get(`${events()}/new`)).body).toMatchObject({
      apiVersion: 'events.k8s.io/v1',
      note: 'It was tested.',
      regarding: { name: 'someone' },
    });
  });

  test('is found by what it is about', async () => {
    await env.api.post(events(), event('about'));
    const selector = encodeURIComponent(
      'involvedObject.name=someone,involvedObject.uid=uid-1,involvedObject.kind=Pod',
    );
    const { body } = await env.api.get(`${at('events')}?fieldSelector=${selector}`);
    expect(body.items.map(({ metadata }) => metadata.name)).toContain('about');
  });

  test('is repeated as a series', async () => {
    await env.api.post(events(), event('repeated'));
    const series = { count: 2, lastObservedTime: '2026-01-02T03:04:06.000006Z' };
    const { body } = await env.api.merge(`${events()}/repeated`, { series });
    expect(body).toMatchObject({ series });
  });

  test('whose time has no microseconds is a bad request', async () => {
    const { code, body } = await env.api.post(
      events(),
      event('coarse', { eventTime: '2026-01-02T03:04:05.123Z' }),
    );
    expect([code, body.reason]).toEqual([400, 'BadRequest']);
    expect(body.message).toContain(
      'Event in version "v1" cannot be handled as a Event: parsing time "2026-01-02T03:04:05.123Z"',
    );
  });

  test.each([
    ['eventTime', 'eventTime: Required value'],
    ['reportingController', 'reportingController: Required value'],
    ['reportingInstance', 'reportingInstance: Required value'],
    ['action', 'action: Required value'],
    ['reason', 'reason: Required value'],
  ])('without %s is Invalid', async (field, message) => {
    const { code, body } = await env.api.post(events(), event('partial', { [field]: undefined }));
    expect(code).toBe(422);
    expect(body.message).toContain(message);
  });

  test('of the old kind may be replaced into being', async () => {
    const involvedObject = { kind: 'Pod', name: 'someone', namespace: env.namespace };
    const old = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'old' },
      involvedObject,
      reason: 'Old',
      message: 'm',
      type: 'Warning',
    };
    expect((await env.api.put(`${at('events')}/old`, old)).code).toBe(201);
    expect((await env.api.get(`${events()}/old`)).body).toMatchObject({
      note: 'm',
      regarding: { name: 'someone' },
    });
  });
});

describe('a lease', () => {
  const leases = (): string => `/apis/coordination.k8s.io/v1/namespaces/${env.namespace}/leases`;
  const lease = (spec: object, metadata: object = {}): object => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'leader', ...metadata },
    spec: {
      holderIdentity: 'me',
      leaseDurationSeconds: 15,
      renewTime: '2026-01-02T03:04:05.000006Z',
      ...spec,
    },
  });

  test('is taken by whoever read the newest version', async () => {
    const { body: first } = await env.api.post(leases(), lease({}));
    const mine = await env.api.put(
      `${leases()}/leader`,
      lease({ holderIdentity: 'you' }, { resourceVersion: first.metadata.resourceVersion }),
    );
    expect([mine.code, mine.body.spec['holderIdentity'], mine.body.metadata.generation]).toEqual([
      200,
      'you',
      undefined,
    ]);
    const late = await env.api.put(
      `${leases()}/leader`,
      lease({ holderIdentity: 'him' }, { resourceVersion: first.metadata.resourceVersion }),
    );
    expect([late.code, late.body.reason]).toEqual([409, 'Conflict']);
    expect((await env.api.put(`${leases()}/leader`, lease({}))).code).toBe(422);
  });

  test.each([
    ['three digits of a second', { renewTime: '2026-01-02T03:04:05.123Z' }, 400],
    ['no duration', { leaseDurationSeconds: 0 }, 422],
  ])('with %s is refused', async (_, spec, code) => {
    expect((await env.api.post(leases(), lease(spec, { name: 'bad' }))).code).toBe(code);
  });
});

test('a secret keeps its plain strings encoded', async () => {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'hidden' },
    stringData: { a: 'b' },
    data: { c: 'ZA==' },
  };
  const { body } = await env.api.post(at('secrets'), secret);
  expect(body).toMatchObject({ type: 'Opaque', data: { a: 'Yg==', c: 'ZA==' } });
  expect('stringData' in body).toBe(false);
});

test('a config map is replaced without a version', async () => {
  const map = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'settings' },
    data: { a: '1' },
  };
  await env.api.post(at('configmaps'), map);
  const { code, body } = await env.api.put(`${at('configmaps')}/settings`, {
    ...map,
    data: { a: '2' },
  });
  expect(code).toBe(200);
  expect(body).toMatchObject({ data: { a: '2' } });
});

test('a namespace goes with all that is in it, and takes nothing new', async () => {
  const { body: created } = await env.api.post('/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { generateName: 'contract-' },
  });
  const { name } = created.metadata;
  expect(created).toMatchObject({
    status: { phase: 'Active' },
    spec: { finalizers: ['kubernetes'] },
    metadata: { labels: { 'kubernetes.io/metadata.name': name } },
  });
  const { body: replaced } = await env.api.put(`/api/v1/namespaces/${name}`, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name, annotations: { a: 'b' } },
  });
  expect(replaced).toMatchObject({
    status: { phase: 'Active' },
    spec: { finalizers: ['kubernetes'] },
  });
  await env.api.post(widgetsIn(name), widget('plain'));
  await env.api.post(widgetsIn(name), widget('held', {}, { finalizers: ['example.com/a'] }));
  const { body: deleted } = await env.api.delete(`/api/v1/namespaces/${name}`);
  expect(deleted).toMatchObject({ kind: 'Namespace', status: { phase: 'Terminating' } });
  await until(async () => (await env.api.get(`${widgetsIn(name)}/plain`)).code === 404);
  const { code, body } = await env.api.post(widgetsIn(name), widget('new'));
  expect(code).toBe(403);
  expect(body).toMatchObject({
    reason: 'Forbidden',
    message: `widgets.contract.sandbox.test "new" is forbidden: unable to create new content in namespace ${name} because it is being terminated`,
  });
  await env.api.merge(`${widgetsIn(name)}/held`, { metadata: { finalizers: null } });
  await until(async () => (await env.api.get(`/api/v1/namespaces/${name}`)).code === 404);
});

test('a custom kind is served once it is defined, and goes with its objects', async () => {
  const group = `${env.namespace}.sandbox.test`;
  const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const schema = { openAPIV3Schema: { type: 'object', properties: { size: { type: 'integer' } } } };
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `gears.${group}` },
    spec: {
      group,
      scope: 'Cluster',
      names: { kind: 'Gear', plural: 'gears' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
  expect((await env.api.post(crds, definition)).code).toBe(201);
  await until(async () =>
    JSON.stringify((await env.api.get(`${crds}/gears.${group}`)).body.status).includes(
      'Established',
    ),
  );
  const gears = `/apis/${group}/v1/gears`;
  await until(async () => (await env.api.get(gears)).code === 200);
  const gear = {
    apiVersion: `${group}/v1`,
    kind: 'Gear',
    metadata: { name: 'one' },
    size: 1,
    status: { kept: false },
  };
  const { body } = await env.api.post(gears, gear);
  expect([body.metadata.generation, 'status' in body]).toEqual([1, false]);
  expect((await env.api.merge(`${gears}/one`, { size: 2 })).body.metadata.generation).toBe(2);
  expect((await env.api.get(`${gears}/one/status`)).code).toBe(404);
  expect((await env.api.delete(`${crds}/gears.${group}`)).code).toBe(200);
  await until(async () => (await env.api.get(gears)).code === 404);
  expect((await env.api.get(`${crds}/gears.${group}`)).code).toBe(404);
});
