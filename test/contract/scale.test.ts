import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { startEnvironment, type Body, type Environment, type Reply } from './environment.ts';
import { CRDS, installOwnKinds } from './own-manifests.ts';

/** The scale subresource, by which `kubectl scale` and autoscalers change a template's pool. */

let env: Environment;
let templates: string;
const KUBECTL = process.env['KUBECTL'] ?? 'kubectl';

beforeAll(async () => {
  env = await startEnvironment();
  await installOwnKinds(env);
  templates = `/apis/sandbox.ai/v1alpha1/namespaces/${env.namespace}/sandboxtemplates`;
});
afterAll(() => env.close());

async function create(name: string, size: number): Promise<Body> {
  const { body } = await env.api.post(templates, {
    apiVersion: 'sandbox.ai/v1alpha1',
    kind: 'SandboxTemplate',
    metadata: { name },
    spec: {
      image: 'registry.test/image:1',
      runtime: 'python3.11',
      resources: { cpu: '1', memory: '512Mi', disk: '1Gi' },
      warmPool: { size },
    },
  });
  expect(body.message).toBeUndefined();
  return body;
}

const scale = (name: string): Promise<Reply> => env.api.get(`${templates}/${name}/scale`);
const sizeOf = async (name: string): Promise<unknown> =>
  (await env.api.get(`${templates}/${name}`)).body.spec['warmPool'];
const asScale = (replicas: unknown, metadata: object): object => ({
  apiVersion: 'autoscaling/v1',
  kind: 'Scale',
  metadata: { namespace: env.namespace, ...metadata },
  spec: { replicas },
});

describe('a Scale', () => {
  test('shows the number that is wanted, the one that is, and how to find them', async () => {
    const { metadata } = await create('shown', 2);
    const status = { warmPool: { replicas: 1, ready: 0, selector: 'a=b' } };
    const { body } = await env.api.merge(`${templates}/shown/status`, { status });
    const { name, uid, creationTimestamp } = metadata;
    expect((await scale('shown')).body).toEqual({
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: {
        name,
        namespace: env.namespace,
        uid,
        creationTimestamp,
        resourceVersion: body.metadata.resourceVersion,
      },
      spec: { replicas: 2 },
      status: { replicas: 1, selector: 'a=b' },
    });
  });

  test('of none says so by leaving it out', async () => {
    await create('none', 0);
    expect((await scale('none')).body).toMatchObject({ spec: {}, status: { replicas: 0 } });
    expect((await scale('none')).body.spec).toEqual({});
  });

  test('is replaced, and the object with it', async () => {
    const { metadata } = await create('put', 1);
    const { code, body } = await env.api.put(`${templates}/put/scale`, asScale(3, metadata));
    expect([code, body.kind, body.spec]).toEqual([200, 'Scale', { replicas: 3 }]);
    expect(body.metadata.resourceVersion).not.toBe(metadata.resourceVersion);
    expect(await sizeOf('put')).toEqual({ size: 3 });
    expect((await env.api.get(`${templates}/put`)).body.metadata.generation).toBe(2);
  });

  test('that names no version of the object is taken for the newest', async () => {
    await create('bare', 1);
    expect((await env.api.put(`${templates}/bare/scale`, asScale(2, { name: 'bare' }))).code).toBe(
      200,
    );
    expect(await sizeOf('bare')).toEqual({ size: 2 });
  });

  test('of a version that is no more, or of another object, is a conflict', async () => {
    const { metadata } = await create('stale', 1);
    await env.api.merge(`${templates}/stale`, { spec: { warmPool: { size: 2 } } });
    const put = (of: object): Promise<Reply> =>
      env.api.put(`${templates}/stale/scale`, asScale(5, of));
    const stale = await put({ name: 'stale', resourceVersion: metadata.resourceVersion });
    expect([stale.code, stale.body.reason]).toEqual([409, 'Conflict']);
    const other = await put({ name: 'stale', uid: '11111111-1111-4111-8111-111111111111' });
    expect([other.code, other.body.reason]).toEqual([409, 'Conflict']);
    expect(await sizeOf('stale')).toEqual({ size: 2 });
  });

  test.each([
    ['merge', 'application/merge-patch+json', { spec: { replicas: 4 } }],
    ['JSON', 'application/json-patch+json', [{ op: 'replace', path: '/spec/replicas', value: 4 }]],
  ])('takes a %s patch', async (name, type, body) => {
    const of = `patched-${name.toLowerCase()}`;
    await create(of, 1);
    const reply = await env.api.call('PATCH', `${templates}/${of}/scale`, { type, body });
    expect([reply.code, reply.body.spec]).toEqual([200, { replicas: 4 }]);
    expect(await sizeOf(of)).toEqual({ size: 4 });
  });

  test('is tried without being kept', async () => {
    await create('tried', 1);
    const reply = await env.api.merge(`${templates}/tried/scale?dryRun=All`, {
      spec: { replicas: 2 },
    });
    expect([reply.code, reply.body.spec]).toEqual([200, { replicas: 2 }]);
    expect(await sizeOf('tried')).toEqual({ size: 1 });
  });
});

describe('a Scale is refused', () => {
  beforeAll(() => create('firm', 1));
  afterEach(async () => {
    expect(await sizeOf('firm')).toEqual({ size: 1 });
  });
  const put = (body: object): Promise<Reply> => env.api.put(`${templates}/firm/scale`, body);

  test('in a dialect of patches that custom kinds do not know', async () => {
    const type = 'application/strategic-merge-patch+json';
    const body = { spec: { replicas: 2 } };
    expect((await env.api.call('PATCH', `${templates}/firm/scale`, { type, body })).code).toBe(415);
  });

  test('below zero', async () => {
    const { code, body } = await put(asScale(-1, { name: 'firm' }));
    expect([code, body.reason]).toEqual([422, 'Invalid']);
    expect(body.message).toContain(
      '.spec.warmPool.size: Invalid value: -1: should be a non-negative integer',
    );
  });

  test('beyond what the kind allows, by the schema of the kind', async () => {
    const { code, body } = await put(asScale(1_000_000, { name: 'firm' }));
    expect([code, body.reason]).toEqual([422, 'Invalid']);
    expect(body.message).toContain(
      'SandboxTemplate.sandbox.ai "firm" is invalid: spec.warmPool.size',
    );
  });

  test.each([
    ['that is no number', { replicas: 'two' }],
    ['of half a pod', { replicas: 1.5 }],
    ['of more than an int32', { replicas: 2 ** 31 }],
  ])('%s', async (_, spec) => {
    expect((await put({ ...asScale(1, { name: 'firm' }), spec })).code).toBe(400);
  });

  test('of another kind, or of another name', async () => {
    expect(
      (await put({ ...asScale(2, { name: 'firm' }), apiVersion: 'autoscaling/v2' })).code,
    ).toBe(400);
    expect((await put(asScale(2, { name: 'soft' }))).code).toBe(400);
  });

  test('by any other method', async () => {
    expect((await env.api.post(`${templates}/firm/scale`, asScale(2, { name: 'firm' }))).code).toBe(
      405,
    );
    expect((await env.api.delete(`${templates}/firm/scale`)).code).toBe(405);
  });
});

test('there is none of what does not exist, or cannot be scaled', async () => {
  const missing = await scale('missing');
  expect([missing.code, missing.body.reason]).toEqual([404, 'NotFound']);
  expect((await env.api.merge(`${templates}/missing/scale`, { spec: { replicas: 1 } })).code).toBe(
    404,
  );
  const sandboxes = templates.replace('sandboxtemplates', 'sandboxes');
  expect((await env.api.get(`${sandboxes}/any/scale`)).code).toBe(404);
});

test('an object without the number has no Scale to show', async () => {
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'gadgets.scale.sandbox.test' },
    spec: {
      group: 'scale.sandbox.test',
      scope: 'Namespaced',
      names: { kind: 'Gadget', plural: 'gadgets' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: {
            scale: { specReplicasPath: '.spec.count', statusReplicasPath: '.status.count' },
          },
          schema: {
            openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          },
        },
      ],
    },
  };
  expect(
    (await env.api.apply(`${CRDS}/${crd.metadata.name}?fieldManager=contract`, crd)).code,
  ).toBeLessThan(300);
  const gadgets = `/apis/scale.sandbox.test/v1/namespaces/${env.namespace}/gadgets`;
  const gadget = {
    apiVersion: 'scale.sandbox.test/v1',
    kind: 'Gadget',
    metadata: { name: 'bare' },
  };
  while ((await env.api.post(gadgets, gadget)).code === 404);
  const { code, body } = await env.api.get(`${gadgets}/bare/scale`);
  expect([code, body.message]).toEqual([
    500,
    'Internal error occurred: the spec replicas field ".spec.count" does not exist',
  ]);
});

test.each([
  ['is not there', { statusReplicasPath: '.status.count' }, 'specReplicasPath: Required value'],
  [
    'leads elsewhere',
    { specReplicasPath: '.count', statusReplicasPath: '.status.count' },
    'should be a json path under .spec',
  ],
])('a definition whose path %s is refused', async (_, paths, message) => {
  const crd = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'gizmos.scale.sandbox.test' },
    spec: {
      group: 'scale.sandbox.test',
      scope: 'Namespaced',
      names: { kind: 'Gizmo', plural: 'gizmos' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { scale: paths },
          schema: { openAPIV3Schema: { type: 'object' } },
        },
      ],
    },
  };
  const { code, body } = await env.api.post(CRDS, crd);
  expect(code).toBe(422);
  expect(body.message).toContain(message);
});

test('discovery lists it, both ways', async () => {
  const { body } = await env.api.get('/apis/sandbox.ai/v1alpha1');
  const { resources } = body as unknown as { resources: { name: string }[] };
  expect(resources.find(({ name }) => name === 'sandboxtemplates/scale')).toEqual({
    name: 'sandboxtemplates/scale',
    singularName: '',
    namespaced: true,
    group: 'autoscaling',
    version: 'v1',
    kind: 'Scale',
    verbs: ['get', 'patch', 'update'],
  });
  expect(resources.map(({ name }) => name)).not.toContain('sandboxes/scale');
  const { text } = await env.api.get('/apis', {
    accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
  });
  expect(JSON.parse(text)).toMatchObject({
    items: expect.arrayContaining([
      expect.objectContaining({
        metadata: expect.objectContaining({ name: 'sandbox.ai' }),
        versions: [
          expect.objectContaining({
            resources: expect.arrayContaining([
              expect.objectContaining({
                resource: 'sandboxtemplates',
                subresources: expect.arrayContaining([
                  {
                    subresource: 'scale',
                    responseKind: { group: 'autoscaling', version: 'v1', kind: 'Scale' },
                    verbs: ['get', 'patch', 'update'],
                  },
                ]),
              }),
            ]),
          }),
        ],
      }),
    ]),
  });
});

test('kubectl scales a template, and only from the size that it is told', async () => {
  await create('scaled', 1);
  const folder = mkdtempSync(path.join(tmpdir(), 'kubectl-'));
  const kubeconfig = path.join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, env.kubeconfig);
  const where = ['--kubeconfig', kubeconfig, '--cache-dir', folder, '-n', env.namespace];
  const kubectl = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)(KUBECTL, [...where, 'scale', 'sbt/scaled', ...args])).stdout.trim();
  expect(await kubectl('--replicas=3')).toBe('sandboxtemplate.sandbox.ai/scaled scaled');
  expect(await kubectl('--replicas=2', '--current-replicas=3')).toContain('scaled');
  await expect(kubectl('--replicas=9', '--current-replicas=7')).rejects.toThrow(
    'Expected replicas to be 7',
  );
  rmSync(folder, { recursive: true });
  expect(await sizeOf('scaled')).toEqual({ size: 2 });
});
