import { aWidget, WIDGETS } from '../test/builders/widget.ts';
import type { Widget } from '../test/builders/widget.ts';
import { ScriptedClient } from '../test/fakes/scripted-client.ts';
import type { KubeClient } from './client.ts';
import { AlreadyExistsError, ForbiddenError } from './errors.ts';
import type { KubeObject, ResourceType } from './objects.ts';
import {
  controllerReference,
  createOwned,
  isControlledBy,
  NotOwnedError,
} from './owner-reference.ts';

const owner = aWidget({ name: 'owner' });
const draft = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'child' } };
const status = { code: 409, reason: 'AlreadyExists', message: 'there' };

/** A client that has `existing` under the child's name. */
function having(existing: Widget | undefined): { client: KubeClient; created: object[] } {
  const created: object[] = [];
  const client: KubeClient = {
    ...new ScriptedClient().client,
    get: async <T extends KubeObject>() => {
      const found: KubeObject | undefined = existing;
      return found as T;
    },
    create: async <T extends KubeObject>(_type: ResourceType<T>, wanted: object) => {
      if (existing !== undefined) throw new AlreadyExistsError(status);
      created.push(wanted);
      return wanted as T;
    },
  };
  return { client, created };
}

test('a child is created in its owner’s namespace, with the reference', async () => {
  const { client, created } = having(undefined);
  await createOwned(client, WIDGETS, { draft, owner });
  const ownerReferences = [
    {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      name: 'owner',
      uid: 'uid-owner',
      controller: true,
      blockOwnerDeletion: true,
    },
  ];
  expect(created).toEqual([
    { ...draft, metadata: { name: 'child', namespace: 'default', ownerReferences } },
  ]);
});

test('the child of an earlier attempt is taken as made', async () => {
  const existing = aWidget({ name: 'child', ownerReferences: [controllerReference(owner)] });
  const { client } = having(existing);
  await expect(createOwned(client, WIDGETS, { draft, owner })).resolves.toBe(existing);
});

test.each([
  ['of nobody', []],
  ['of an owner of the same name that is gone', [{ ...controllerReference(owner), uid: 'old' }]],
])('an object %s is not taken for the child', async (_name, ownerReferences) => {
  const existing = aWidget({ name: 'child', ownerReferences });
  expect(isControlledBy(existing, owner)).toBe(false);
  const { client } = having(existing);
  await expect(createOwned(client, WIDGETS, { draft, owner })).rejects.toThrow(NotOwnedError);
});

test('other failures pass through, and a child without a name is refused', async () => {
  const { client } = having(undefined);
  const refused = new ForbiddenError({ code: 403, reason: 'Forbidden', message: 'no' });
  const refusing = { ...client, create: () => Promise.reject(refused) };
  await expect(createOwned(refusing, WIDGETS, { draft, owner })).rejects.toBe(refused);
  const nameless = { ...draft, metadata: {} };
  await expect(createOwned(client, WIDGETS, { draft: nameless, owner })).rejects.toThrow(TypeError);
});
