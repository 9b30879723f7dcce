import { aWidget, WIDGETS } from '../test/builders/widget.ts';
import type { Widget } from '../test/builders/widget.ts';
import { FakeLogger } from '../test/fakes/logger.ts';
import { ScriptedClient } from '../test/fakes/scripted-client.ts';
import { ObjectCache } from './object-cache.ts';
import { generationChanged } from './predicates.ts';
import { byController, self, watches } from './sources.ts';
import type { Source } from './sources.ts';

/** Fed by hand: `replace` and `apply` are what a list-watch would call. */
function aCache(): ObjectCache<Widget> {
  const { client } = new ScriptedClient();
  return new ObjectCache<Widget>({ client, type: WIDGETS, logger: new FakeLogger() });
}

function listen(source: Source): string[] {
  const heard: string[] = [];
  source.subscribe((key, { priority = 'normal' } = {}) => heard.push(`${key} ${priority}`));
  return heard;
}

const ownedBy = (name: string) => ({
  ownerReferences: [
    { apiVersion: 'example.com/v1beta1', kind: 'Widget', name, uid: name, controller: true },
  ],
});

test('what a first list brings is of low priority, and all that follows is not', () => {
  const cache = aCache();
  const heard = listen(watches(cache, self));
  cache.replace([aWidget({ name: 'a' })]);
  cache.apply({ type: 'ADDED', object: aWidget({ name: 'b' }) });
  cache.apply({ type: 'DELETED', object: aWidget({ name: 'a' }) });
  expect(heard).toEqual(['default/a low', 'default/b normal', 'default/a normal']);
});

test('a child wakes its controlling owner, also the one it just left', () => {
  const cache = aCache();
  const heard = listen(watches(cache, byController(WIDGETS)));
  cache.apply({ type: 'ADDED', object: aWidget({ name: 'child', ...ownedBy('old') }) });
  cache.apply({
    type: 'MODIFIED',
    object: aWidget({ name: 'child', resourceVersion: '2', ...ownedBy('new') }),
  });
  expect(heard).toEqual(['default/old normal', 'default/new normal', 'default/old normal']);
});

test.each([
  ['another kind', { apiVersion: 'example.com/v1', kind: 'Gadget', controller: true }],
  ['another group', { apiVersion: 'example.org/v1', kind: 'Widget', controller: true }],
  ['a mere owner', { apiVersion: 'example.com/v1', kind: 'Widget' }],
])('an owner that is %s is not woken', (_name, reference) => {
  const ownerReferences = [{ name: 'o', uid: 'o', ...reference }];
  expect(byController(WIDGETS)(aWidget({ ownerReferences }))).toEqual([]);
});

test('a predicate keeps changes from the queue', () => {
  const cache = aCache();
  const heard = listen(watches(cache, self, generationChanged));
  cache.apply({ type: 'ADDED', object: aWidget({ generation: 1 }) });
  cache.apply({ type: 'MODIFIED', object: aWidget({ generation: 1, resourceVersion: '2' }) });
  expect(heard).toHaveLength(1);
  cache.apply({ type: 'MODIFIED', object: aWidget({ generation: 2, resourceVersion: '3' }) });
  expect(heard.length).toBeGreaterThan(1);
});

test('a source names the keys of all that exists', () => {
  const cache = aCache();
  cache.replace([aWidget({ name: 'a' }), aWidget({ name: 'b' })]);
  expect([...watches(cache, self).keys()]).toEqual(['default/a', 'default/b']);
});
