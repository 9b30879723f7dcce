import { startEnvironment, type Body, type Environment } from './environment.ts';
import { WIDGETS, widget, widgetsIn } from './widget-crd.ts';

let env: Environment;
let widgets: string;

beforeAll(async () => {
  env = await startEnvironment();
  widgets = widgetsIn(env.namespace);
  for (const [name, labels] of [
    ['c', { tier: 'one', free: 'yes' }],
    ['a', { tier: 'two' }],
    ['e', {}],
    ['b', { tier: 'one' }],
    ['d', { tier: 'three', free: 'no' }],
  ] as const) {
    await env.api.post(widgets, widget(name, {}, { labels }));
  }
});
afterAll(() => env.close());

function names(list: Body): readonly string[] {
  return list.items.map(({ metadata }) => metadata.name);
}

test('a list is in order of names and has a resource version', async () => {
  const { body } = await env.api.get(widgets);
  expect(body).toMatchObject({
    kind: 'WidgetList',
    apiVersion: 'contract.sandbox.test/v1',
    metadata: { resourceVersion: expect.stringMatching(/^\d+$/) },
  });
  expect(names(body)).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('a list of all namespaces has those of this one', async () => {
  const { body } = await env.api.get(WIDGETS);
  expect(names(body)).toEqual(expect.arrayContaining(['a', 'b', 'c', 'd', 'e']));
});

test.each([
  ['tier=one', ['b', 'c']],
  ['tier==one,free=yes', ['c']],
  ['tier!=one', ['a', 'd', 'e']],
  ['tier in (one, two)', ['a', 'b', 'c']],
  ['tier notin (one,two)', ['d', 'e']],
  ['tier', ['a', 'b', 'c', 'd']],
  ['!tier', ['e']],
  ['tier in (one),!free', ['b']],
])('label selector "%s"', async (selector, expected) => {
  const { body } = await env.api.get(`${widgets}?labelSelector=${encodeURIComponent(selector)}`);
  expect(names(body)).toEqual(expected);
});

test.each([
  ['metadata.name=b', ['b']],
  ['metadata.name!=b', ['a', 'c', 'd', 'e']],
  ['metadata.name=b,metadata.name!=b', []],
])('field selector "%s"', async (selector, expected) => {
  const { body } = await env.api.get(`${widgets}?fieldSelector=${encodeURIComponent(selector)}`);
  expect(names(body)).toEqual(expected);
});

test('a field selector on the namespace selects among all', async () => {
  const { body } = await env.api.get(
    `${WIDGETS}?fieldSelector=${encodeURIComponent(`metadata.namespace=${env.namespace}`)}`,
  );
  expect(names(body)).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test.each([
  ['labelSelector=a%20b', 'unable to parse requirement'],
  ['fieldSelector=spec.size%3D1', 'field label not supported: spec.size'],
  ['continue=abc', 'continue'],
])('%s is a bad request', async (query, message) => {
  const { code, body } = await env.api.get(`${widgets}?${query}`);
  expect([code, body.reason]).toEqual([400, 'BadRequest']);
  expect(body.message).toContain(message);
});

test('pages hold what was there when the first was read', async () => {
  const first = await env.api.get(`${widgets}?limit=2`);
  expect(names(first.body)).toEqual(['a', 'b']);
  expect(first.body.metadata.remainingItemCount).toBe(3);
  await env.api.post(widgets, widget('bb'));
  const second = await env.api.get(
    `${widgets}?limit=2&continue=${first.body.metadata.continue ?? ''}`,
  );
  expect(names(second.body)).toEqual(['c', 'd']);
  expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
  const third = await env.api.get(
    `${widgets}?limit=2&continue=${second.body.metadata.continue ?? ''}`,
  );
  expect([names(third.body), third.body.metadata.continue ?? '']).toEqual([['e'], '']);
  await env.api.delete(`${widgets}/bb`);
});

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

describe('as a table', () => {
  test('a list has the columns of its definition', async () => {
    await env.api.merge(`${widgets}/a/status`, {
      status: {
        conditions: [
          { type: 'Other', status: 'False' },
          { type: 'Ready', status: 'True' },
        ],
      },
    });
    const { body } = await env.api.get(widgets, { accept: TABLE });
    expect(body).toMatchObject({
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      columnDefinitions: [
        { name: 'Name', type: 'string', format: 'name', priority: 0 },
        { name: 'Size', type: 'integer', priority: 0 },
        { name: 'Ready', type: 'string', priority: 0 },
        { name: 'Color', type: 'string', priority: 1 },
        { name: 'Age', type: 'date', priority: 0 },
      ],
    });
    const { rows } = body;
    expect(rows.map(({ cells }) => cells.slice(0, 4))).toEqual([
      ['a', 1, 'True', 'red'],
      ...['b', 'c', 'd', 'e'].map((name) => [name, 1, null, 'red']),
    ]);
    expect(rows[0]?.cells[4]).toMatch(/^\d+s$/);
    expect(rows[0]?.object).toMatchObject({
      kind: 'PartialObjectMetadata',
      metadata: { name: 'a' },
    });
    expect(rows[0]?.object.spec).toBeUndefined();
  });

  test.each([
    ['None', null],
    [
      'Object',
      expect.objectContaining({ kind: 'Widget', spec: expect.objectContaining({ size: 1 }) }),
    ],
  ])('a row includes its object as %s', async (include, object) => {
    const { body } = await env.api.get(`${widgets}/b?includeObject=${include}`, { accept: TABLE });
    expect(body).toMatchObject({ kind: 'Table', rows: [{ object }] });
  });
});

test('as metadata a list leaves the rest out', async () => {
  const { body } = await env.api.get(widgets, {
    accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io',
  });
  expect(body).toMatchObject({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' });
  expect(body.items[0]).toMatchObject({ kind: 'PartialObjectMetadata', metadata: { name: 'a' } });
  expect(body.items[0]?.spec).toBeUndefined();
});

describe('discovery', () => {
  test('names the kind in its group version', async () => {
    const { body } = await env.api.get('/apis/contract.sandbox.test/v1');
    expect(body).toMatchObject({
      kind: 'APIResourceList',
      groupVersion: 'contract.sandbox.test/v1',
      resources: [
        {
          name: 'widgets',
          singularName: 'widget',
          namespaced: true,
          kind: 'Widget',
          shortNames: ['wdg'],
        },
        {
          name: 'widgets/status',
          namespaced: true,
          kind: 'Widget',
          verbs: ['get', 'patch', 'update'],
        },
      ],
    });
  });

  test('names the group', async () => {
    const { body } = await env.api.get('/apis/contract.sandbox.test');
    expect(body).toMatchObject({
      kind: 'APIGroup',
      name: 'contract.sandbox.test',
      preferredVersion: { version: 'v1' },
    });
    const { body: groups } = await env.api.get('/apis');
    expect(groups).toMatchObject({
      groups: expect.arrayContaining([expect.objectContaining({ name: 'contract.sandbox.test' })]),
    });
    expect((await env.api.get('/api')).body).toMatchObject({
      kind: 'APIVersions',
      versions: ['v1'],
    });
  });

  test('can be had in one answer', async () => {
    const { body } = await env.api.get('/apis', {
      accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
    });
    expect([body.kind, body.apiVersion]).toEqual([
      'APIGroupDiscoveryList',
      'apidiscovery.k8s.io/v2',
    ]);
    const group = body.items.find(({ metadata }) => metadata.name === 'contract.sandbox.test');
    expect(group).toMatchObject({
      versions: [
        {
          version: 'v1',
          resources: [
            {
              resource: 'widgets',
              scope: 'Namespaced',
              responseKind: { kind: 'Widget' },
              subresources: [{ subresource: 'status' }],
            },
          ],
        },
      ],
    });
  });

  test('describes the schema in OpenAPI v3', async () => {
    const at = 'apis/contract.sandbox.test/v1';
    const { paths } = (await env.api.get('/openapi/v3')).body;
    const { body } = await env.api.get(paths[at]?.serverRelativeURL ?? '');
    const gvk = { group: 'contract.sandbox.test', version: 'v1', kind: 'Widget' };
    expect(body).toMatchObject({
      paths: {
        [`/${at}/namespaces/{namespace}/widgets/{name}`]: {
          patch: {
            'x-kubernetes-group-version-kind': gvk,
            parameters: expect.arrayContaining([
              expect.objectContaining({ name: 'fieldValidation' }),
            ]),
          },
        },
      },
      components: {
        schemas: {
          'test.sandbox.contract.v1.Widget': {
            'x-kubernetes-group-version-kind': [gvk],
            properties: {
              spec: { required: ['size'], properties: { size: { type: 'integer', maximum: 10 } } },
            },
          },
        },
      },
    });
  });
});
