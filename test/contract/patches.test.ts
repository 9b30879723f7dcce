import { startEnvironment, type Environment } from './environment.ts';
import { widget, widgetsIn } from './widget-crd.ts';

let env: Environment;
let widgets: string;

beforeAll(async () => {
  env = await startEnvironment();
  widgets = widgetsIn(env.namespace);
});
afterAll(() => env.close());

const JSON_PATCH = 'application/json-patch+json';

describe('a merge patch', () => {
  test('sets, merges and removes', async () => {
    await env.api.post(widgets, widget('merged', { labels: { a: '1', b: '2' }, tags: ['x'] }));
    const { code, body } = await env.api.merge(`${widgets}/merged`, {
      spec: { size: 2, labels: { a: null, c: '3' }, tags: ['y', 'z'] },
    });
    expect([code, body.metadata.generation]).toEqual([200, 2]);
    expect(body.spec).toMatchObject({
      size: 2,
      labels: { b: '2', c: '3' },
      tags: ['y', 'z'],
      color: 'red',
    });
  });

  test('does not touch the status', async () => {
    await env.api.post(widgets, widget('untouched'));
    await env.api.merge(`${widgets}/untouched/status`, { status: { phase: 'Ready' } });
    const { body } = await env.api.merge(`${widgets}/untouched`, {
      spec: { size: 3 },
      status: { phase: 'Other' },
    });
    expect(body.status).toEqual({ phase: 'Ready' });
  });

  test('that changes nothing writes nothing', async () => {
    const { body: created } = await env.api.post(widgets, widget('unchanged'));
    const { body } = await env.api.merge(`${widgets}/unchanged`, { spec: { size: 1 } });
    expect(body.metadata.resourceVersion).toBe(created.metadata.resourceVersion);
  });

  test('with an old resource version is a Conflict', async () => {
    await env.api.post(widgets, widget('guarded'));
    const { code, body } = await env.api.merge(`${widgets}/guarded`, {
      metadata: { resourceVersion: '1' },
      spec: { size: 2 },
    });
    expect([code, body.reason]).toEqual([409, 'Conflict']);
  });

  test('that takes the resource version away is Invalid', async () => {
    await env.api.post(widgets, widget('unversioned'));
    const { code, body } = await env.api.merge(`${widgets}/unversioned`, {
      metadata: { resourceVersion: null },
      spec: { size: 2 },
    });
    expect(code).toBe(422);
    expect(body.message).toContain(
      'metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    );
  });

  test('of the uid is Invalid', async () => {
    await env.api.post(widgets, widget('fixed-uid'));
    const { code, body } = await env.api.merge(`${widgets}/fixed-uid`, {
      metadata: { uid: 'another' },
    });
    expect(code).toBe(422);
    expect(body.message).toContain('metadata.uid: Invalid value: "another": field is immutable');
  });

  test('of what is not there is NotFound', async () => {
    expect((await env.api.merge(`${widgets}/absent`, { spec: { size: 2 } })).code).toBe(404);
  });

  test('that is not JSON is a bad request', async () => {
    await env.api.post(widgets, widget('garbled'));
    const { code, body } = await env.api.merge(`${widgets}/garbled`, '{bad');
    expect(code).toBe(400);
    expect(body.message).toContain('error decoding patch');
  });

  test('as a dry run answers as if it had been done', async () => {
    await env.api.post(widgets, widget('dry-patched'));
    const { body } = await env.api.merge(`${widgets}/dry-patched?dryRun=All`, {
      spec: { size: 5 },
    });
    expect(body.spec['size']).toBe(5);
    expect((await env.api.get(`${widgets}/dry-patched`)).body.spec['size']).toBe(1);
  });
});

describe('a JSON patch', () => {
  test('is applied operation by operation', async () => {
    await env.api.post(widgets, widget('operated', { tags: ['a'] }));
    const { code, body } = await env.api.call('PATCH', `${widgets}/operated`, {
      type: JSON_PATCH,
      body: [
        { op: 'test', path: '/spec/size', value: 1 },
        { op: 'replace', path: '/spec/size', value: 2 },
        { op: 'add', path: '/spec/tags/-', value: 'b' },
        { op: 'add', path: '/metadata/labels', value: { a: 'b' } },
      ],
    });
    expect(code).toBe(200);
    expect(body).toMatchObject({
      spec: { size: 2, tags: ['a', 'b'] },
      metadata: { labels: { a: 'b' } },
    });
  });

  test.each([
    ['whose test fails', [{ op: 'test', path: '/spec/size', value: 9 }]],
    ['of a place that is not there', [{ op: 'replace', path: '/spec/none/below', value: 9 }]],
  ])('%s is Invalid and changes nothing', async (_, body) => {
    await env.api.post(widgets, widget('refused'));
    const reply = await env.api.call('PATCH', `${widgets}/refused`, { type: JSON_PATCH, body });
    expect(reply.code).toBe(422);
    expect(reply.body).toMatchObject({
      reason: 'Invalid',
      message: 'the server rejected our request due to an error in our request',
    });
    expect((await env.api.get(`${widgets}/refused`)).body.metadata.generation).toBe(1);
  });

  test('of the status can test the version of the whole object', async () => {
    const { body } = await env.api.post(widgets, widget('versioned'));
    const { resourceVersion } = body.metadata;
    const patch = [
      { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion },
      { op: 'add', path: '/status', value: { phase: 'Ready' } },
    ];
    const at = `${widgets}/versioned/status`;
    const send = () => env.api.call('PATCH', at, { type: JSON_PATCH, body: patch });
    expect((await send()).code).toBe(200);
    const late = await send();
    expect([late.code, late.body.reason]).toEqual([422, 'Invalid']);
  });

  test('that is not a list is a bad request', async () => {
    await env.api.post(widgets, widget('unlisted'));
    expect(
      (
        await env.api.call('PATCH', `${widgets}/unlisted`, {
          type: JSON_PATCH,
          body: { op: 'test' },
        })
      ).code,
    ).toBe(400);
  });
});

test.each(['application/json', 'application/strategic-merge-patch+json'])(
  'a custom kind takes no %s patch',
  async (type) => {
    await env.api.post(widgets, widget('choosy'));
    const { code, body } = await env.api.call('PATCH', `${widgets}/choosy`, {
      type,
      body: { spec: { size: 2 } },
    });
    expect([code, body.reason]).toEqual([415, 'UnsupportedMediaType']);
  },
);

describe('server-side apply', () => {
  const at = (name: string, manager: string, force = false): string =>
    `${widgets}/${name}?fieldManager=${manager}${force ? '&force=true' : ''}`;

  test('creates what is not there', async () => {
    const { code, body } = await env.api.apply(
      at('applied', 'one'),
      widget('applied', {}, { labels: { a: '1' } }),
    );
    expect(code).toBe(201);
    expect(body).toMatchObject({
      spec: { size: 1, color: 'red' },
      metadata: { generation: 1, labels: { a: '1' } },
    });
    expect(body.metadata.managedFields).toEqual([
      expect.objectContaining({
        manager: 'one',
        operation: 'Apply',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:metadata': { 'f:labels': { 'f:a': {} } }, 'f:spec': { 'f:size': {} } },
      }),
    ]);
  });

  test('merges lists by key and removes what its manager leaves out', async () => {
    const first = {
      env: [
        { name: 'a', value: '1' },
        { name: 'b', value: '2' },
      ],
    };
    await env.api.apply(
      at('reapplied', 'one'),
      widget('reapplied', first, { labels: { a: '1', b: '2' } }),
    );
    await env.api.merge(`${widgets}/reapplied`, { metadata: { labels: { other: '3' } } });
    const second = { env: [{ name: 'b', value: '9' }, { name: 'c' }] };
    const { code, body } = await env.api.apply(
      at('reapplied', 'one'),
      widget('reapplied', second, { labels: { a: '1' } }),
    );
    expect(code).toBe(200);
    expect(body.spec['env']).toEqual([
      { name: 'b', value: '9' },
      { name: 'c', value: '' },
    ]);
    expect(body.metadata.labels).toEqual({ a: '1', other: '3' });
  });

  test('of the same configuration writes nothing', async () => {
    const { body: first } = await env.api.apply(at('settled', 'one'), widget('settled'));
    const { body } = await env.api.apply(at('settled', 'one'), widget('settled'));
    expect(body.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  test('conflicts where another manager applied another value, unless forced', async () => {
    await env.api.apply(at('contested', 'one'), widget('contested', {}, { labels: { a: '1' } }));
    const wanted = widget('contested', { size: 2 }, { labels: { a: '2' } });
    const { code, body } = await env.api.apply(at('contested', 'two'), wanted);
    expect(code).toBe(409);
    expect(body).toMatchObject({
      reason: 'Conflict',
      message:
        'Apply failed with 2 conflicts: conflicts with "one":\n- .metadata.labels.a\n- .spec.size',
      details: {
        causes: [
          { reason: 'FieldManagerConflict', field: '.metadata.labels.a' },
          { field: '.spec.size' },
        ],
      },
    });
    const forced = await env.api.apply(at('contested', 'two', true), wanted);
    expect(forced.body).toMatchObject({ spec: { size: 2 }, metadata: { labels: { a: '2' } } });
    const managers = (forced.body.metadata.managedFields ?? []).map((entry) =>
      'manager' in entry ? entry.manager : '',
    );
    expect(managers).toEqual(['two']);
  });

  test('forgets who set what where a patch writes one empty entry over it', async () => {
    await env.api.apply(at('forgotten', 'one'), widget('forgotten'));
    const body = [
      { op: 'add', path: '/metadata/managedFields', value: [{}] },
      { op: 'add', path: '/spec/size', value: 2 },
    ];
    const forgotten = await env.api.call('PATCH', `${widgets}/forgotten`, {
      type: JSON_PATCH,
      body,
    });
    expect(forgotten).toMatchObject({ code: 200, body: { spec: { size: 2 } } });
    const later = await env.api.merge(`${widgets}/forgotten`, { spec: { size: 3 } });
    for (const { metadata } of [forgotten.body, later.body])
      expect(metadata.managedFields).toBeUndefined();
  });

  test('is not forgotten where an update comes without who set what', async () => {
    const { body } = await env.api.apply(at('remembered', 'one'), widget('remembered'));
    const { managedFields: _, ...metadata } = body.metadata;
    const put = await env.api.put(`${widgets}/remembered`, { ...body, metadata });
    const managers = (put.body.metadata.managedFields ?? []).map((entry) =>
      'manager' in entry ? entry.manager : '',
    );
    expect([put.code, managers]).toEqual([200, ['one']]);
  });

  test('shares a field on whose value managers agree', async () => {
    await env.api.apply(at('shared', 'one'), widget('shared', { ratio: 2 }));
    expect((await env.api.apply(at('shared', 'two'), widget('shared', { ratio: 2 }))).code).toBe(
      200,
    );
    const { body } = await env.api.apply(at('shared', 'one'), widget('shared'));
    expect(body.spec['ratio']).toBe(2);
  });

  test('of the status leaves the rest', async () => {
    await env.api.post(widgets, widget('status-applied'));
    const { code, body } = await env.api.apply(
      `${widgets}/status-applied/status?fieldManager=one`,
      {
        ...widget('status-applied', { size: 5 }),
        status: { phase: 'Ready', conditions: [{ type: 'Ready', status: 'True' }] },
      },
    );
    expect(code).toBe(200);
    expect(body).toMatchObject({
      spec: { size: 1 },
      status: { phase: 'Ready', conditions: [{ type: 'Ready', status: 'True' }] },
    });
  });

  test('of the status of what is not there is NotFound', async () => {
    const { code } = await env.api.apply(`${widgets}/absent/status?fieldManager=one`, {
      ...widget('absent'),
      status: { phase: 'Ready' },
    });
    expect(code).toBe(404);
  });

  test('takes YAML', async () => {
    const yaml =
      'apiVersion: contract.sandbox.test/v1\nkind: Widget\nmetadata:\n  name: from-yaml\nspec: {size: 3}\n';
    expect((await env.api.apply(at('from-yaml', 'one'), yaml)).body.spec['size']).toBe(3);
  });

  test('needs a field manager', async () => {
    const { code, body } = await env.api.apply(`${widgets}/anonymous`, widget('anonymous'));
    expect(code).toBe(422);
    expect(body.message).toBe(
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    );
  });
});
