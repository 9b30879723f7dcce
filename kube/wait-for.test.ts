import { aWidget, WIDGETS } from '../test/builders/widget.ts';
import type { Widget } from '../test/builders/widget.ts';
import { FakeLogger } from '../test/fakes/logger.ts';
import { ScriptedClient } from '../test/fakes/scripted-client.ts';
import { ObjectCache } from './object-cache.ts';
import { ObjectDeletedError, waitFor } from './wait-for.ts';

const ref = { namespace: 'default', name: 'a' };
const until = (widget: Widget): boolean => widget.status?.ready === true;
const pending = aWidget({ resourceVersion: '1' });
const ready = aWidget({ resourceVersion: '2' }, { status: { ready: true } });

/** Fed by hand: `replace` and `apply` are what a list-watch would call. */
function aCache(...items: Widget[]): ObjectCache<Widget> {
  const { client } = new ScriptedClient();
  const cache = new ObjectCache<Widget>({ client, type: WIDGETS, logger: new FakeLogger() });
  cache.replace(items);
  return cache;
}

test('what is so already is not waited for', async () => {
  await expect(waitFor(aCache(ready), ref, { until })).resolves.toBe(ready);
});

test('an object that is not there yet is waited for, until it is as wished', async () => {
  const cache = aCache();
  const waiting = waitFor(cache, ref, { until });
  cache.apply({ type: 'ADDED', object: aWidget({ name: 'b' }, { status: { ready: true } }) });
  cache.apply({ type: 'ADDED', object: pending });
  cache.apply({ type: 'MODIFIED', object: ready });
  await expect(waiting).resolves.toBe(ready);
});

test('a deletion ends the wait', async () => {
  const cache = aCache(pending);
  const waiting = waitFor(cache, ref, { until });
  cache.apply({ type: 'DELETED', object: pending });
  await expect(waiting).rejects.toThrow(ObjectDeletedError);
});

test('an abort ends the wait with its reason', async () => {
  const enough = new AbortController();
  const waiting = waitFor(aCache(pending), ref, { until, signal: enough.signal });
  enough.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  await expect(waitFor(aCache(ready), ref, { until, signal: enough.signal })).rejects.toThrow(
    'enough',
  );
});

test('a condition that throws ends the wait with its error, whenever it does', async () => {
  const bug = (widget: Widget): boolean => {
    if (widget.metadata.resourceVersion === '2') throw new TypeError('bug');
    return false;
  };
  const cache = aCache(pending);
  const waiting = waitFor(cache, ref, { until: bug });
  cache.apply({ type: 'MODIFIED', object: ready });
  await expect(waiting).rejects.toThrow('bug');
});
