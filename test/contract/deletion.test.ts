import { startEnvironment, until, type Body, type Environment } from './environment.ts';
import { API_VERSION, widget, widgetsIn } from './widget-crd.ts';

let env: Environment;
let widgets: string;

beforeAll(async () => {
  env = await startEnvironment();
  widgets = widgetsIn(env.namespace);
});
afterAll(() => env.close());

async function isGone(name: string): Promise<boolean> {
  return (await env.api.get(`${widgets}/${name}`)).code === 404;
}

test('what has no finalizer goes at once', async () => {
  const { body: created } = await env.api.post(widgets, widget('plain'));
  const { code, body } = await env.api.delete(`${widgets}/plain`);
  expect(code).toBe(200);
  expect(body).toEqual({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: 'plain',
      group: 'contract.sandbox.test',
      kind: 'widgets',
      uid: created.metadata.uid,
    },
  });
  expect(await isGone('plain')).toBe(true);
  expect((await env.api.delete(`${widgets}/plain`)).code).toBe(404);
});

test('a dry run deletes nothing', async () => {
  await env.api.post(widgets, widget('kept'));
  expect((await env.api.delete(`${widgets}/kept?dryRun=All`)).code).toBe(200);
  expect(await isGone('kept')).toBe(false);
});

describe('what has a finalizer', () => {
  test('waits for its removal', async () => {
    await env.api.post(
      widgets,
      widget('held', {}, { finalizers: ['example.com/a', 'example.com/b'] }),
    );
    const { code, body } = await env.api.delete(`${widgets}/held`);
    expect(code).toBe(200);
    expect(body.metadata).toMatchObject({
      name: 'held',
      generation: 2,
      deletionGracePeriodSeconds: 0,
      deletionTimestamp: expect.any(String),
    });
    const again = await env.api.delete(`${widgets}/held`);
    expect(again.body.metadata.resourceVersion).toBe(body.metadata.resourceVersion);
    await env.api.merge(`${widgets}/held`, { metadata: { finalizers: ['example.com/b'] } });
    expect(await isGone('held')).toBe(false);
    const last = await env.api.merge(`${widgets}/held`, { metadata: { finalizers: null } });
    expect([last.code, last.body.metadata.finalizers]).toEqual([200, undefined]);
    expect(await isGone('held')).toBe(true);
  });

  test('can still be changed, but gets no new one', async () => {
    await env.api.post(widgets, widget('closing', {}, { finalizers: ['example.com/a'] }));
    await env.api.delete(`${widgets}/closing`);
    expect(
      (await env.api.merge(`${widgets}/closing/status`, { status: { phase: 'Closing' } })).body
        .status,
    ).toEqual({ phase: 'Closing' });
    const { code, body } = await env.api.merge(`${widgets}/closing`, {
      metadata: { finalizers: ['example.com/a', 'example.com/c'] },
    });
    expect(code).toBe(422);
    expect(body.message).toBe(
      'Widget.contract.sandbox.test "closing" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/c"}',
    );
    await env.api.merge(`${widgets}/closing`, { metadata: { finalizers: null } });
  });
});

describe('a precondition', () => {
  test.each([
    ['uid', 'another', 'the UID in the precondition (another) does not match the UID in record ('],
    [
      'resourceVersion',
      '1',
      'the ResourceVersion in the precondition (1) does not match the ResourceVersion in record (',
    ],
  ])('on the %s that does not hold is a Conflict', async (field, value, message) => {
    const name = `guarded-${field.toLowerCase()}`;
    await env.api.post(widgets, widget(name));
    const { code, body } = await env.api.delete(`${widgets}/${name}`, {
      preconditions: { [field]: value },
    });
    expect([code, body.reason]).toEqual([409, 'Conflict']);
    expect(body.message).toContain(
      `Operation cannot be fulfilled on Widget.contract.sandbox.test "${name}": ${message}`,
    );
    expect(await isGone(name)).toBe(false);
  });

  test('that holds lets it go', async () => {
    const { body } = await env.api.post(widgets, widget('guarded'));
    const { uid, resourceVersion } = body.metadata;
    expect(
      (await env.api.delete(`${widgets}/guarded`, { preconditions: { uid, resourceVersion } }))
        .code,
    ).toBe(200);
  });
});

test('a collection is deleted by selector', async () => {
  for (const [name, group] of [
    ['many-a', 'x'],
    ['many-b', 'x'],
    ['many-c', 'y'],
  ] as const) {
    await env.api.post(widgets, widget(name, {}, { labels: { group } }));
  }
  const { code } = await env.api.delete(`${widgets}?labelSelector=group%3Dx`);
  expect(code).toBe(200);
  expect([await isGone('many-a'), await isGone('many-b'), await isGone('many-c')]).toEqual([
    true,
    true,
    false,
  ]);
});

describe('owners', () => {
  const owned = (name: string, owner: Body, more: object = {}): object =>
    widget(
      name,
      {},
      {
        ownerReferences: [
          {
            apiVersion: API_VERSION,
            kind: 'Widget',
            name: owner.metadata.name,
            uid: owner.metadata.uid,
            ...more,
          },
        ],
      },
    );

  test('take what they own with them', async () => {
    const { body: owner } = await env.api.post(widgets, widget('owner'));
    const { body: child } = await env.api.post(widgets, owned('child', owner));
    await env.api.post(widgets, owned('grandchild', child));
    await env.api.delete(`${widgets}/owner`, { propagationPolicy: 'Background' });
    expect(await isGone('owner')).toBe(true);
    await until(() => isGone('child'));
    await until(() => isGone('grandchild'));
  });

  test('that are gone already do not keep what names them', async () => {
    const { body: owner } = await env.api.post(widgets, widget('late-owner'));
    await env.api.delete(`${widgets}/late-owner`);
    await env.api.post(widgets, owned('orphan', owner));
    await until(() => isGone('orphan'));
  });

  test('keep what they own while one of them is left', async () => {
    const { body: first } = await env.api.post(widgets, widget('first-owner'));
    const { body: second } = await env.api.post(widgets, widget('second-owner'));
    const refs = [first, second].map(({ metadata: { name, uid } }) => ({
      apiVersion: API_VERSION,
      kind: 'Widget',
      name,
      uid,
    }));
    await env.api.post(widgets, widget('joint', {}, { ownerReferences: refs }));
    await env.api.delete(`${widgets}/first-owner`);
    await until(async () => {
      const { body } = await env.api.get(`${widgets}/joint`);
      return !JSON.stringify(body.metadata).includes(first.metadata.uid);
    });
    expect(await isGone('joint')).toBe(false);
  });

  test('deleted in the foreground wait for what blocks them', async () => {
    const { body: owner } = await env.api.post(widgets, widget('waiting'));
    await env.api.post(widgets, owned('blocking', owner, { blockOwnerDeletion: true }));
    await env.api.merge(`${widgets}/blocking`, { metadata: { finalizers: ['example.com/a'] } });
    const { body } = await env.api.delete(`${widgets}/waiting`, {
      propagationPolicy: 'Foreground',
    });
    expect(body.metadata.finalizers).toEqual(['foregroundDeletion']);
    await until(
      async () =>
        (await env.api.get(`${widgets}/blocking`)).body.metadata.deletionTimestamp !== undefined,
    );
    expect(await isGone('waiting')).toBe(false);
    await env.api.merge(`${widgets}/blocking`, { metadata: { finalizers: null } });
    await until(() => isGone('waiting'));
    expect(await isGone('blocking')).toBe(true);
  });

  test('can leave what they own behind', async () => {
    const { body: owner } = await env.api.post(widgets, widget('leaving'));
    await env.api.post(widgets, owned('left', owner));
    await env.api.delete(`${widgets}/leaving`, { propagationPolicy: 'Orphan' });
    await until(() => isGone('leaving'));
    const { body } = await env.api.get(`${widgets}/left`);
    expect('ownerReferences' in body.metadata).toBe(false);
  });
});
