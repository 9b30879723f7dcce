import { aSandbox } from '../test/builders/sandbox.ts';
import { OwnWrites } from './own-writes.ts';

function version(resourceVersion: string) {
  return aSandbox({ metadata: { resourceVersion } });
}

test('after a write, a cache that is behind does not count', () => {
  const writes = new OwnWrites();
  writes.note(version('1'), version('2'));
  expect(writes.newest(version('1')).metadata.resourceVersion).toBe('2');
});

test('a cache that has moved on counts, also past what was written', () => {
  for (const cached of ['2', '3']) {
    const writes = new OwnWrites();
    writes.note(version('1'), version('2'));
    expect(writes.newest(version(cached)).metadata.resourceVersion).toBe(cached);
  }
});

test('two writes decided on the same look leave the second one standing', () => {
  const writes = new OwnWrites();
  writes.note(version('1'), version('2'));
  writes.note(version('1'), version('3'));
  for (const cached of ['1', '2']) {
    expect(writes.newest(version(cached)).metadata.resourceVersion).toBe('3');
  }
});

test('a write that changed nothing leaves nothing to remember', () => {
  const writes = new OwnWrites();
  writes.note(version('1'), version('1'));
  const cached = version('1');
  expect(writes.newest(cached)).toBe(cached);
});

test('is kept until the cache shows it, and no longer', () => {
  const writes = new OwnWrites();
  const [before, after] = [version('1'), version('2')];
  writes.note(before, after);
  writes.caughtUp(before);
  expect(writes.newest(before)).toBe(after);
  writes.caughtUp(after);
  expect(writes.newest(before)).toBe(before);
});

test('tells of a write at once, to whoever listens still', () => {
  const writes = new OwnWrites();
  const told: unknown[] = [];
  const stop = writes.subscribe((change) => told.push(change));
  const [previous, object] = [version('1'), version('2')];
  writes.note(previous, object);
  stop();
  writes.note(object, version('3'));
  expect(told).toEqual([{ type: 'updated', previous, object }]);
});
