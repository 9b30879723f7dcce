import { startEnvironment, type Environment, type Reply } from './environment.ts';

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
    spec: {
      automountServiceAccountToken: false,
      containers: [{ name: 'main', image: 'registry.test/image:1' }],
      ...spec,
    },
  };
}

async function bind(name: string): Promise<void> {
  const target = { apiVersion: 'v1', kind: 'Node', name: 'node-of-no-cluster' };
  const { code } = await env.api.post(`${at('pods')}/${name}/binding`, {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name },
    target,
  });
  expect(code).toBe(201);
}

describe('a pod', () => {
  test('is created pending, with defaults', async () => {
    const resources = { limits: { cpu: '1', memory: '1Gi' } };
    const { code, body } = await env.api.post(
      at('pods'),
      pod('made', { containers: [{ name: 'main', image: 'registry.test/image:1', resources }] }),
    );
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
            resources: {
              limits: { cpu: '1', memory: '1Gi' },
              requests: { cpu: '1', memory: '1Gi' },
            },
          },
        ],
      },
      status: { phase: 'Pending', qosClass: 'Guaranteed' },
    });
  });

  test.each([
    ['no containers', { containers: [] }, 'Pod "bad" is invalid: spec.containers: Required value'],
    [
      'no image',
      { containers: [{ name: 'main' }] },
      'Pod "bad" is invalid: spec.containers[0].image: Required value',
    ],
    [
      'a bad container name',
      { containers: [{ name: 'Main', image: 'x' }] },
      'spec.containers[0].name: Invalid value: "Main": a lowercase RFC 1123 label must consist of',
    ],
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
    const patch = (
      body: object,
    ): Promise<{ code: number; body: { message: string; metadata: { generation?: number } } }> =>
      env.api.call('PATCH', `${at('pods')}/fixed`, {
        type: 'application/strategic-merge-patch+json',
        body,
      });
    const changed = await patch({
      metadata: { labels: { a: 'b' } },
      spec: { containers: [{ name: 'main', image: 'other:2' }] },
    });
    expect([changed.code, changed.body.metadata.generation]).toEqual([200, 2]);
    const refused = await patch({ spec: { restartPolicy: 'Never' } });
    expect(refused.code).toBe(422);
    expect(refused.body.message).toContain(
      'Pod "fixed" is invalid: spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`',
    );
    expect((await env.api.merge(`${at('pods')}/fixed`, { spec: { nodeName: 'a' } })).code).toBe(
      422,
    );
  });

  test('is bound to a node once', async () => {
    await env.api.post(at('pods'), pod('bound'));
    await bind('bound');
    const { body } = await env.api.get(`${at('pods')}/bound`);
    expect(body).toMatchObject({
      spec: { nodeName: 'node-of-no-cluster' },
      status: { conditions: [{ type: 'PodScheduled', status: 'True' }] },
    });
    const again = await env.api.post(`${at('pods')}/bound/binding`, {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'bound' },
      target: { kind: 'Node', name: 'other' },
    });
    expect(again.code).toBe(409);
    await env.api.delete(`${at('pods')}/bound`, { gracePeriodSeconds: 0 });
  });

  test('is reported on through its status', async () => {
    await env.api.post(at('pods'), pod('reported'));
    const { body } = await env.api.call('PATCH', `${at('pods')}/reported/status`, {
      type: 'application/strategic-merge-patch+json',
      body: {
        spec: { nodeName: 'ignored' },
        status: {
          phase: 'Running',
          podIP: '10.1.2.3',
          conditions: [{ type: 'Ready', status: 'True' }],
        },
      },
    });
    expect(body).toMatchObject({
      metadata: { generation: 1 },
      status: { phase: 'Running', podIP: '10.1.2.3', qosClass: 'BestEffort' },
    });
    expect(body.spec['nodeName']).toBeUndefined();
  });

  test('that no node runs goes at once, and is sent back', async () => {
    await env.api.post(at('pods'), pod('unscheduled'));
    const { code, body } = await env.api.delete(`${at('pods')}/unscheduled`);
    expect([code, body.kind, body.metadata.deletionGracePeriodSeconds]).toEqual([200, 'Pod', 0]);
    expect((await env.api.get(`${at('pods')}/unscheduled`)).code).toBe(404);
  });

  test('that a node runs is given its grace period, until the kubelet deletes it', async () => {
    const { body: created } = await env.api.post(
      at('pods'),
      pod('graceful', { terminationGracePeriodSeconds: 20 }),
    );
    await bind('graceful');
    const { body: marked } = await env.api.delete(`${at('pods')}/graceful`);
    expect(marked.metadata).toMatchObject({ deletionGracePeriodSeconds: 20, generation: 2 });
    const left =
      Date.parse(marked.metadata.deletionTimestamp ?? '') -
      Date.parse(created.metadata.creationTimestamp);
    expect(left).toBeGreaterThanOrEqual(20_000);
    const { body: again } = await env.api.delete(`${at('pods')}/graceful`);
    expect(again.metadata.resourceVersion).toBe(marked.metadata.resourceVersion);
    const { body: hastened } = await env.api.delete(`${at('pods')}/graceful`, {
      gracePeriodSeconds: 5,
    });
    expect(hastened.metadata.deletionGracePeriodSeconds).toBe(5);
    expect(
      Date.parse(marked.metadata.deletionTimestamp ?? '') -
        Date.parse(hastened.metadata.deletionTimestamp ?? ''),
    ).toBe(15_000);
    expect((await env.api.delete(`${at('pods')}/graceful`, { gracePeriodSeconds: 0 })).code).toBe(
      200,
    );
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
      const { body } = await env.api.get(
        `${at('pods')}?fieldSelector=${encodeURIComponent(selector)}`,
      );
      return body.items.map(({ metadata }) => metadata.name);
    };
    expect(await list('spec.nodeName=node-of-no-cluster,status.phase=Running')).toEqual([
      'selected',
    ]);
    expect(await list('spec.nodeName=node-of-no-cluster,status.phase!=Running')).toEqual([]);
    expect(await list('spec.nodeName=,status.phase!=Running')).toContain('made');
  });

  test('is shown as kubectl shows pods', async () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const { body } = await env.api.get(`${at('pods')}/selected`, { accept });
    expect(body).toMatchObject({
      columnDefinitions: [
        'Name',
        'Ready',
        'Status',
        'Restarts',
        'Age',
        'IP',
        'Node',
        'Nominated Node',
        'Readiness Gates',
      ].map((name) => ({ name })),
      rows: [
        {
          cells: [
            'selected',
            '0/1',
            'Running',
            expect.anything(),
            expect.stringMatching(/^\d+s$/),
            '<none>',
            'node-of-no-cluster',
            '<none>',
            '<none>',
          ],
        },
      ],
    });
    await env.api.delete(`${at('pods')}/selected`, { gracePeriodSeconds: 0 });
  });
});

describe('the log of a pod', () => {
  test('that is on no node is empty, and of one that is not there not found', async () => {
    await env.api.post(at('pods'), pod('unscheduled'));
    const { code, text } = await env.api.get(`${at('pods')}/unscheduled/log`);
    expect({ code, text }).toEqual({ code: 204, text: '' });
    expect((await env.api.get(`${at('pods')}/nowhere/log`)).body).toMatchObject({
      reason: 'NotFound',
      message: 'pods "nowhere" not found',
    });
  });

  test('is only of a container that it has', async () => {
    await env.api.post(at('pods'), pod('contained'));
    const { code, body } = await env.api.get(`${at('pods')}/contained/log?container=other`);
    expect({ code, message: body.message }).toEqual({
      code: 400,
      message: 'container other is not valid for pod contained',
    });
  });

  test('is a subresource that can be got', async () => {
    const { body } = await env.api.get('/api/v1');
    const { resources } = body as unknown as { resources: readonly { name: string }[] };
    expect(resources.find(({ name }) => name === 'pods/log')).toMatchObject({
      kind: 'Pod',
      namespaced: true,
      verbs: ['get'],
    });
  });
});

describe('a pod that is resized', () => {
  const amounts = (cpu: string, memory: string): object => ({ cpu, memory });
  const sized = (name: string): object =>
    pod(name, {
      containers: [
        {
          name: 'main',
          image: 'registry.test/image:1',
          resources: { requests: amounts('1', '1Gi'), limits: amounts('1', '1Gi') },
        },
      ],
    });
  const resize = (name: string, resources: object, more: object = {}): Promise<Reply> =>
    env.api.call('PATCH', `${at('pods')}/${name}/resize`, {
      type: 'application/strategic-merge-patch+json',
      body: { spec: { containers: [{ name: 'main', resources, ...more }] } },
    });

  test('has what is asked for in its spec, as another generation of it', async () => {
    await env.api.post(at('pods'), sized('larger'));
    const both = amounts('2', '512Mi');
    const { code, body } = await resize('larger', { requests: both, limits: both });
    expect([code, body.message]).toEqual([200, undefined]);
    expect(body.metadata.generation).toBe(2);
    expect(body.spec['containers']).toMatchObject([
      { resources: { requests: both, limits: both } },
    ]);
    expect((await env.api.get(`${at('pods')}/larger`)).body).toEqual(body);
  });

  test('by a JSON patch with a test of what it is', async () => {
    const { body } = await env.api.post(at('pods'), sized('tested'));
    const by = (uid: string): Promise<Reply> =>
      env.api.call('PATCH', `${at('pods')}/tested/resize`, {
        type: 'application/json-patch+json',
        body: [
          { op: 'test', path: '/metadata/uid', value: uid },
          { op: 'replace', path: '/spec/containers/0/resources/requests/cpu', value: '3' },
          { op: 'replace', path: '/spec/containers/0/resources/limits/cpu', value: '3' },
        ],
      });
    expect((await by('another')).code).toBe(422);
    expect((await by(body.metadata.uid)).code).toBe(200);
  });

  test('keeps its QoS class', async () => {
    await env.api.post(at('pods'), sized('guaranteed'));
    const { code, body } = await resize('guaranteed', { requests: { cpu: '500m' } });
    expect([code, body.reason]).toEqual([422, 'Invalid']);
    expect(body.message).toContain('Pod QOS Class may not change as a result of resizing');
  });

  test('is changed in nothing else', async () => {
    await env.api.post(at('pods'), sized('fixed'));
    const both = amounts('2', '1Gi');
    const { code } = await resize('fixed', { requests: both, limits: both }, { image: 'other:1' });
    expect(code).toBe(422);
    expect((await resize('missing', { requests: both, limits: both })).code).toBe(404);
  });

  test('only by this subresource, which discovery lists', async () => {
    await env.api.post(at('pods'), sized('stiff'));
    const resources = { requests: amounts('2', '1Gi'), limits: amounts('2', '1Gi') };
    const spec = { containers: [{ name: 'main', image: 'registry.test/image:1', resources }] };
    expect((await env.api.merge(`${at('pods')}/stiff`, { spec })).code).toBe(422);
    const { text } = await env.api.get('/api/v1');
    expect(JSON.parse(text)).toMatchObject({
      resources: expect.arrayContaining([
        {
          name: 'pods/resize',
          singularName: '',
          namespaced: true,
          kind: 'Pod',
          verbs: ['get', 'patch', 'update'],
        },
      ]),
    });
  });
});
