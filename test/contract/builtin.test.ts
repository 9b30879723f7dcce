import { startEnvironment, until, type Environment } from './environment.ts';
import { widget, widgetsIn } from './widget-crd.ts';

let env: Environment;
let at: (plural: string) => string;

beforeAll(async () => {
  env = await startEnvironment();
  at = (plural) => `/api/v1/namespaces/${env.namespace}/${plural}`;
});
afterAll(() => env.close());

function pod(name: string, spec: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { automountServiceAccountToken: false, containers: [{ name: 'main', image: 'registry.test/image:1' }], ...spec },
  };
}

async function bind(name: string): Promise<void> {
  const target = { apiVersion: 'v1', kind: 'Node', name: 'node-of-no-cluster' };
  const { code } = await env.api.post(`${at('pods')}/${name}/binding`, { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target });
  expect(code).toBe(201);
}

describe('a pod', () => {
  test('is created pending, with defaults', async () => {
    const resources = { limits: { cpu: '1', memory: '1Gi' } };
    const { code, body } = await env.api.post(at('pods'), pod('made', { containers: [{ name: 'main', image: 'registry.test/image:1', resources }] }));
    expect(code).toBe(201);
    expect(body).toMatchObject({
      metadata: { name: 'made', generation: 1 },
      spec: {
        restartPolicy: 'Always',
        terminationGracePeriodSeconds: 30,
        dnsPolicy: 'ClusterFirst',
        schedulerName: 'default-scheduler',
        enableServiceLinks: true,
        serviceAccountName: 'default',
        containers: [
          {
            imagePullPolicy: 'IfNotPresent',
            terminationMessagePolicy: 'File',
            resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } },
          },
        ],
      },
      status: { phase: 'Pending', qosClass: 'Guaranteed' },
    });
  });

  test.each([
    ['no containers', { containers: [] }, 'Pod "bad" is invalid: spec.containers: Required value'],
    ['no image', { containers: [{ name: 'main' }] }, 'Pod "bad" is invalid: spec.containers[0].image: Required value'],
    ['a bad container name', { containers: [{ name: 'Main', image: 'x' }] }, 'spec.containers[0].name: Invalid value: "Main": a lowercase RFC 1123 label must consist of'],
  ])('with %s is Invalid', async (_, spec, message) => {
    const { code, body } = await env.api.post(at('pods'), pod('bad', spec));
    expect([code, body.reason]).toEqual([422, 'Invalid']);
    expect(body.message).toContain(message);
  });

  test('with a quantity that is none is a bad request', async () => {
    const containers = [{ name: 'main', image: 'x', resources: { limits: { cpu: 'lots' } } }];
    expect((await env.api.post(at('pods'), pod('bad', { containers }))).code).toBe(400);
  });

  test('may change its labels and image, and nothing else of its spec', async () => {
    await env.api.post(at('pods'), pod('fixed'));
    const patch = (body: object): Promise<{ code: number; body: { message: string; metadata: { generation?: number } } }> =>
      env.api.call('PATCH', `${at('pods')}/fixed`, { type: 'application/strategic-merge-patch+json', body });
    const changed = await patch({ metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'main', image: 'other:2' }] } });
    expect([changed.code, changed.body.metadata.generation]).toEqual([200, 2]);
    const refused = await patch({ spec: { restartPolicy: 'Never' } });
    expect(refused.code).toBe(422);
    expect(refused.body.message).toContain('Pod "fixed" is invalid: spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`');
    expect((await env.api.merge(`${at('pods')}/fixed`, { spec: { nodeName: 'a' } })).code).toBe(422);
  });

  test('is bound to a node once', async () => {
    await env.api.post(at('pods'), pod('bound'));
    await bind('bound');
    const { body } = await env.api.get(`${at('pods')}/bound`);
    expect(body).toMatchObject({ spec: { nodeName: 'node-of-no-cluster' }, status: { conditions: [{ type: 'PodScheduled', status: 'True' }] } });
    const again = await env.api.post(`${at('pods')}/bound/binding`, {
      apiVersion: 'v1', kind: 'Binding', metadata: { name: 'bound' }, target: { kind: 'Node', name: 'other' },
    });
    expect(again.code).toBe(409);
    await env.api.delete(`${at('pods')}/bound`, { gracePeriodSeconds: 0 });
  });

  test('is reported on through its status', async () => {
    await env.api.post(at('pods'), pod('reported'));
    const { body } = await env.api.call('PATCH', `${at('pods')}/reported/status`, {
      type: 'application/strategic-merge-patch+json',
      body: { spec: { nodeName: 'ignored' }, status: { phase: 'Running', podIP: '10.1.2.3', conditions: [{ type: 'Ready', status: 'True' }] } },
    });
    expect(body).toMatchObject({ metadata: { generation: 1 }, status: { phase: 'Running', podIP: '10.1.2.3', qosClass: 'BestEffort' } });
    expect(body.spec['nodeName']).toBeUndefined();
  });

  test('that no node runs goes at once, and is sent back', async () => {
    await env.api.post(at('pods'), pod('unscheduled'));
    const { code, body } = await env.api.delete(`${at('pods')}/unscheduled`);
    expect([code, body.kind, body.metadata.deletionGracePeriodSeconds]).toEqual([200, 'Pod', 0]);
    expect((await env.api.get(`${at('pods')}/unscheduled`)).code).toBe(404);
  });

  test('that a node runs is given its grace period, until the kubelet deletes it', async () => {
    const { body: created } = await env.api.post(at('pods'), pod('graceful', { terminationGracePeriodSeconds: 20 }));
    await bind('graceful');
    const { body: marked } = await env.api.delete(`${at('pods')}/graceful`);
    expect(marked.metadata).toMatchObject({ deletionGracePeriodSeconds: 20, generation: 2 });
    const left = Date.parse(marked.metadata.deletionTimestamp ?? '') - Date.parse(created.metadata.creationTimestamp);
    expect(left).toBeGreaterThanOrEqual(20_000);
    const { body: again } = await env.api.delete(`${at('pods')}/graceful`);
    expect(again.metadata.resourceVersion).toBe(marked.metadata.resourceVersion);
    const { body: hastened } = await env.api.delete(`${at('pods')}/graceful`, { gracePeriodSeconds: 5 });
    expect(hastened.metadata.deletionGracePeriodSeconds).toBe(5);
    expect(Date.parse(marked.metadata.deletionTimestamp ?? '') - Date.parse(hastened.metadata.deletionTimestamp ?? '')).toBe(15_000);
    expect((await env.api.delete(`${at('pods')}/graceful`, { gracePeriodSeconds: 0 })).code).toBe(200);
    expect((await env.api.get(`${at('pods')}/graceful`)).code).toBe(404);
  });

  test('that has ended goes at once', async () => {
    await env.api.post(at('pods'), pod('ended'));
    await bind('ended');
    await env.api.merge(`${at('pods')}/ended/status`, { status: { phase: 'Failed' } });
    await env.api.delete(`${at('pods')}/ended`);
    expect((await env.api.get(`${at('pods')}/ended`)).code).toBe(404);
  });

  test('is selected by node and phase', async () => {
    await env.api.post(at('pods'), pod('selected'));
    await bind('selected');
    await env.api.merge(`${at('pods')}/selected/status`, { status: { phase: 'Running' } });
    const list = async (selector: string): Promise<readonly string[]> => {
      const { body } = await env.api.get(`${at('pods')}?fieldSelector=${encodeURIComponent(selector)}`);
      return body.items.map(({ metadata }) => metadata.name);
    };
    expect(await list('spec.nodeName=node-of-no-cluster,status.phase=Running')).toEqual(['selected']);
    expect(await list('spec.nodeName=node-of-no-cluster,status.phase!=Running')).toEqual([]);
    expect(await list('spec.nodeName=,status.phase!=Running')).toContain('made');
  });

  test('is shown as kubectl shows pods', async () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const { body } = await env.api.get(`${at('pods')}/selected`, { accept });
    expect(body).toMatchObject({
      columnDefinitions: ['Name', 'Ready', 'Status', 'Restarts', 'Age', 'IP', 'Node', 'Nominated Node', 'Readiness Gates'].map((name) => ({ name })),
      rows: [{ cells: ['selected', '0/1', 'Running', expect.anything(), expect.stringMatching(/^\d+s$/), '<none>', 'node-of-no-cluster', '<none>', '<none>'] }],
    });
    await env.api.delete(`${at('pods')}/selected`, { gracePeriodSeconds: 0 });
  });
});

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
    regarding: { apiVersion: 'v1', kind: 'Pod', name: 'someone', namespace: env.namespace, uid: 'uid-1' },
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
    expect((await env.api.get(`${events()}/new`)).body).toMatchObject({ apiVersion: 'events.k8s.io/v1', note: 'It was tested.', regarding: { name: 'someone' } });
  });

  test('is found by what it is about', async () => {
    await env.api.post(events(), event('about'));
    const selector = encodeURIComponent('involvedObject.name=someone,involvedObject.uid=uid-1,involvedObject.kind=Pod');
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
    const { code, body } = await env.api.post(events(), event('coarse', { eventTime: '2026-01-02T03:04:05.123Z' }));
    expect([code, body.reason]).toEqual([400, 'BadRequest']);
    expect(body.message).toContain('Event in version "v1" cannot be handled as a Event: parsing time "2026-01-02T03:04:05.123Z"');
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
    const old = { apiVersion: 'v1', kind: 'Event', metadata: { name: 'old' }, involvedObject, reason: 'Old', message: 'm', type: 'Warning' };
    expect((await env.api.put(`${at('events')}/old`, old)).code).toBe(201);
    expect((await env.api.get(`${events()}/old`)).body).toMatchObject({ note: 'm', regarding: { name: 'someone' } });
  });
});

describe('a lease', () => {
  const leases = (): string => `/apis/coordination.k8s.io/v1/namespaces/${env.namespace}/leases`;
  const lease = (spec: object, metadata: object = {}): object => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: 'leader', ...metadata },
    spec: { holderIdentity: 'me', leaseDurationSeconds: 15, renewTime: '2026-01-02T03:04:05.000006Z', ...spec },
  });

  test('is taken by whoever read the newest version', async () => {
    const { body: first } = await env.api.post(leases(), lease({}));
    const mine = await env.api.put(`${leases()}/leader`, lease({ holderIdentity: 'you' }, { resourceVersion: first.metadata.resourceVersion }));
    expect([mine.code, mine.body.spec['holderIdentity'], mine.body.metadata.generation]).toEqual([200, 'you', undefined]);
    const late = await env.api.put(`${leases()}/leader`, lease({ holderIdentity: 'him' }, { resourceVersion: first.metadata.resourceVersion }));
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
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'hidden' }, stringData: { a: 'b' }, data: { c: 'ZA==' } };
  const { body } = await env.api.post(at('secrets'), secret);
  expect(body).toMatchObject({ type: 'Opaque', data: { a: 'Yg==', c: 'ZA==' } });
  expect('stringData' in body).toBe(false);
});

test('a config map is replaced without a version', async () => {
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { a: '1' } };
  await env.api.post(at('configmaps'), map);
  const { code, body } = await env.api.put(`${at('configmaps')}/settings`, { ...map, data: { a: '2' } });
  expect(code).toBe(200);
  expect(body).toMatchObject({ data: { a: '2' } });
});

test('a namespace goes with all that is in it, and takes nothing new', async () => {
  const { body: created } = await env.api.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { generateName: 'contract-' } });
  const { name } = created.metadata;
  expect(created).toMatchObject({ status: { phase: 'Active' }, spec: { finalizers: ['kubernetes'] }, metadata: { labels: { 'kubernetes.io/metadata.name': name } } });
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
    spec: { group, scope: 'Cluster', names: { kind: 'Gear', plural: 'gears' }, versions: [{ name: 'v1', served: true, storage: true, schema }] },
  };
  expect((await env.api.post(crds, definition)).code).toBe(201);
  await until(async () => JSON.stringify((await env.api.get(`${crds}/gears.${group}`)).body.status).includes('Established'));
  const gears = `/apis/${group}/v1/gears`;
  await until(async () => (await env.api.get(gears)).code === 200);
  const gear = { apiVersion: `${group}/v1`, kind: 'Gear', metadata: { name: 'one' }, size: 1, status: { kept: false } };
  const { body } = await env.api.post(gears, gear);
  expect([body.metadata.generation, 'status' in body]).toEqual([1, false]);
  expect((await env.api.merge(`${gears}/one`, { size: 2 })).body.metadata.generation).toBe(2);
  expect((await env.api.get(`${gears}/one/status`)).code).toBe(404);
  expect((await env.api.delete(`${crds}/gears.${group}`)).code).toBe(200);
  await until(async () => (await env.api.get(gears)).code === 404);
  expect((await env.api.get(`${crds}/gears.${group}`)).code).toBe(404);
});
