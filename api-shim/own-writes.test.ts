import { FakeClock } from '../test/fakes/clock.ts';
import { MemoryCache } from '../test/fakes/memory-cluster.ts';
import { aWidget, type Widget } from '../test/builders/widget.ts';
import { OwnWrites } from './own-writes.ts';

const REF = { namespace: 'default', name: 'a' };
let cache: MemoryCache<Widget>;
let clock: FakeClock;
let own: OwnWrites<Widget>;
beforeEach(() => {
  cache = new MemoryCache();
  clock = new FakeClock();
  own = new OwnWrites(cache, clock);
});

function generation(n: number, colour?: string): Widget {
  return aWidget({ generation: n }, { spec: colour === undefined ? {} : { colour } });
}

test('what was created is there before the cache has it', () => {
  own.written(generation(1));
  expect(own.get(REF)).toEqual(generation(1));
  expect(own.over(cache.list(), () => true)).toEqual([generation(1)]);
  expect(own.over(cache.list(), () => false)).toEqual([]);
});

test('a change of someone else that the cache shows meanwhile does not hide the own one', () => {
  cache.show(generation(1));
  own.written(generation(3, 'own'));
  cache.show(generation(2, 'other'));
  expect(own.get(REF)).toEqual(generation(3, 'own'));
  expect(own.over(cache.list(), () => true)).toEqual([generation(3, 'own')]);
});

test('once the cache has caught up it alone counts', () => {
  own.written(generation(1, 'own'));
  cache.show(generation(1, 'cached'));
  expect(own.get(REF)).toEqual(generation(1, 'cached'));
  cache.remove(generation(1));
  expect(own.get(REF)).toBeUndefined();
});

test('a watch that is faster than the answer of the write leaves nothing behind', () => {
  cache.show(generation(1));
  own.written(generation(1));
  cache.remove(generation(1));
  expect(own.get(REF)).toBeUndefined();
});

test('what was deleted is gone while the cache still has it, and another of its name is not', () => {
  cache.show(generation(1));
  own.deleted(generation(1));
  expect(own.get(REF)).toBeUndefined();
  expect(own.over(cache.list(), () => true)).toEqual([]);
  const next = aWidget({ uid: 'next' });
  cache.show(next);
  expect(own.get(REF)).toEqual(next);
});

test('what was made again under the name of the deleted is there', () => {
  cache.show(generation(1));
  own.deleted(generation(1));
  const next = aWidget({ uid: 'next' });
  own.written(next);
  expect(own.get(REF)).toEqual(next);
  cache.remove(generation(1));
  expect(own.get(REF)).toEqual(next);
});

test('what is being deleted does not exist', () => {
  cache.show(aWidget({ deletionTimestamp: '2026-01-01T00:00:00Z' }));
  expect(own.get(REF)).toBeUndefined();
  expect(own.over(cache.list(), () => true)).toEqual([]);
});

test('a write that the cache never shows is forgotten after a minute', () => {
  own.written(generation(1));
  clock.advance(59_999);
  expect(own.get(REF)).toBeDefined();
  clock.advance(1);
  expect(own.get(REF)).toBeUndefined();
  expect(own.over(cache.list(), () => true)).toEqual([]);
});
