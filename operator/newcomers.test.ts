import { anExecution } from '../test/builders/execution.ts';
import type { Change } from '../kube/cache.ts';
import type { KubeObject } from '../kube/objects.ts';
import { Newcomers } from './newcomers.ts';

/** A cache that only tells of changes. */
function changes(): { tell: (change: Change<KubeObject>) => void; newcomers: Newcomers } {
  const listeners: ((change: Change<KubeObject>) => void)[] = [];
  const newcomers = new Newcomers({
    get: () => undefined,
    list: () => [],
    byIndex: () => [],
    subscribe: (listener) => {
      listeners.push(listener);
      return () => undefined;
    },
    synced: true,
    whenSynced: () => Promise.resolve(),
  });
  const tell = (change: Change<KubeObject>): void => {
    for (const listener of listeners) listener(change);
  };
  return { tell, newcomers };
}

const object = anExecution();
const { uid } = object.metadata;

test('what appears while the controllers run is a newcomer until it is gone', () => {
  const { tell, newcomers } = changes();
  newcomers.subscribe();
  tell({ type: 'added', object, initial: false });
  expect(newcomers.has(uid)).toBe(true);
  tell({ type: 'deleted', object });
  expect(newcomers.has(uid)).toBe(false);
});

test('what was there before, or appeared while another process led, is none', () => {
  const { tell, newcomers } = changes();
  tell({ type: 'added', object, initial: false });
  newcomers.subscribe();
  tell({ type: 'added', object, initial: true });
  expect(newcomers.has(uid)).toBe(false);
});
