import { aWidget, WIDGETS } from '../test/builders/widget.ts';
import type { Widget } from '../test/builders/widget.ts';
import { FakeClock } from '../test/fakes/clock.ts';
import { FakeLogger } from '../test/fakes/logger.ts';
import { ScriptedClient } from '../test/fakes/scripted-client.ts';
import type { Change } from './cache.ts';
import { GoneError } from './errors.ts';
import { ObjectCache } from './object-cache.ts';
import type { ObjectCacheOptions } from './object-cache.ts';
import type { ObjectMeta } from './objects.ts';

const gone = new GoneError({ code: 410, reason: 'Expired', message: 'too old' });
const page = (resourceVersion: string, ...items: Widget[]) => ({
  items,
  metadata: { resourceVersion },
});
const ref = (name: string) => ({ namespace: 'default', name });

const started = new Set<ObjectCache<Widget>>();
afterEach(async () => {
  for (const cache of started) await cache.stop();
  started.clear();
});

async function aCache(script: ScriptedClient, options: Partial<ObjectCacheOptions<Widget>> = {}) {
  const clock = new FakeClock();
  const logger = new FakeLogger();
  const cache = new ObjectCache<Widget>({
    client: script.client,
    type: WIDGETS,
    logger,
    clock,
    random: () => 0,
    freeze: true,
    indexes: { colour: ({ spec }) => (spec?.colour === undefined ? [] : [spec.colour]) },
    ...options,
  });
  started.add(cache);
  const changes: string[] = [];
  cache.subscribe((change) => changes.push(tell(change)));
  cache.start();
  await clock.run(0);
  return { cache, clock, logger, changes };
}

function tell(change: Change<Widget>): string {
  const { name, uid, resourceVersion } = change.object.metadata;
  const initial = change.type === 'added' && change.initial ? ' initially' : '';
  return `${change.type} ${name} ${uid} v${resourceVersion}${initial}`;
}

const red = (metadata: Partial<ObjectMeta>) => aWidget(metadata, { spec: { colour: 'red' } });
const blue = (metadata: Partial<ObjectMeta>) => aWidget(metadata, { spec: { colour: 'blue' } });

test('the first list fills it and is marked as initial; later objects are not', async () => {
  const script = new ScriptedClient(page('10', aWidget({ name: 'a' })));
  const { cache, changes, clock } = await aCache(script);
  script.watch.send({ type: 'ADDED', object: aWidget({ name: 'b' }) });
  await clock.run(0);
  expect(changes).toEqual(['added a uid-a v1 initially', 'added b uid-b v1']);
  expect(cache.list().map((widget) => widget.metadata.name)).toEqual(['a', 'b']);
  expect(cache.get(ref('a'))?.metadata.uid).toBe('uid-a');
  expect(cache.get({ namespace: 'other', name: 'a' })).toBeUndefined();
});

test('a relist finds what was added, changed and deleted meanwhile, and says nothing about the rest', async () => {
  const script = new ScriptedClient(
    page('10', ...['same', 'changed', 'deleted'].map((name) => aWidget({ name }))),
    page(
      '50',
      aWidget({ name: 'same' }),
      aWidget({ name: 'changed', resourceVersion: '20' }),
      aWidget({ name: 'new', resourceVersion: '30' }),
    ),
  );
  const { changes, clock } = await aCache(script);
  changes.length = 0;
  script.watch.fail(gone);
  await clock.run(200);
  expect(changes).toEqual([
    'updated changed uid-changed v20',
    'added new uid-new v30',
    'deleted deleted uid-deleted v1',
  ]);
});

test.each([
  ['across a relist', true],
  ['within a watch', false],
])(
  'an object deleted and made again %s is a delete and an add, never an update',
  async (_name, relist) => {
    const again = red({ name: 'a', uid: 'uid-2', resourceVersion: '9' });
    const script = new ScriptedClient(page('1', blue({ name: 'a' })), page('50', again));
    const { cache, changes, clock } = await aCache(script);
    changes.length = 0;
    if (relist) script.watch.fail(gone);
    else script.watch.send({ type: 'MODIFIED', object: again });
    await clock.run(200);
    expect(changes).toEqual(['deleted a uid-a v1', 'added a uid-2 v9']);
    expect(cache.byIndex('colour', 'blue')).toEqual([]);
    expect(cache.byIndex('colour', 'red')).toEqual([again]);
  },
);

test('an event that repeats what is known is no change', async () => {
  const script = new ScriptedClient(page('10', aWidget({ name: 'a' })));
  const { changes, clock } = await aCache(script);
  script.watch.send(
    { type: 'ADDED', object: aWidget({ name: 'a' }) },
    { type: 'DELETED', object: aWidget({ name: 'unknown' }) },
  );
  await clock.run(0);
  expect(changes).toEqual(['added a uid-a v1 initially']);
});

test('a deletion reports the last state of the object', async () => {
  const script = new ScriptedClient(page('10', red({ name: 'a' })));
  const { cache, changes, clock } = await aCache(script);
  script.watch.send({ type: 'DELETED', object: red({ name: 'a', resourceVersion: '12' }) });
  await clock.run(0);
  expect(changes.at(-1)).toBe('deleted a uid-a v12');
  expect(cache.byIndex('colour', 'red')).toEqual([]);
});

test('an index follows its objects from value to value', async () => {
  const script = new ScriptedClient(page('10', red({ name: 'a' }), red({ name: 'b' })));
  const { cache, clock } = await aCache(script);
  const changed = blue({ name: 'a', resourceVersion: '11' });
  script.watch.send({ type: 'MODIFIED', object: changed });
  await clock.run(0);
  expect(cache.byIndex('colour', 'red')).toEqual([red({ name: 'b' })]);
  expect(cache.byIndex('colour', 'blue')).toEqual([changed]);
  expect(() => cache.byIndex('size', '1')).toThrow('no index "size"');
});

test('a listener sees the world of the change and all that came with it', async () => {
  const script = new ScriptedClient(page('10', aWidget({ name: 'a' }), aWidget({ name: 'b' })));
  const sizes: number[] = [];
  const { clock } = await aCache(script, {});
  const cache = new ObjectCache<Widget>({
    client: script.client,
    type: WIDGETS,
    logger: new FakeLogger(),
    clock,
  });
  started.add(cache);
  cache.subscribe(() => sizes.push(cache.list().length));
  cache.start();
  await clock.run(0);
  expect(sizes).toEqual([2, 2]);
});

test('a transform slims what is kept, and what is kept cannot be written', async () => {
  const script = new ScriptedClient(page('10', red({ name: 'a' })));
  const { cache } = await aCache(script, {
    transform: ({ apiVersion, kind, metadata }) => ({ apiVersion, kind, metadata }),
  });
  const kept = cache.get(ref('a'));
  expect(kept).toEqual(aWidget({ name: 'a' }));
  expect(Object.isFrozen(kept?.metadata)).toBe(true);
});

test('a namespace narrows the list', async () => {
  const elsewhere = aWidget({ name: 'b', namespace: 'other' });
  const { cache } = await aCache(new ScriptedClient(page('10', aWidget(), elsewhere)));
  expect(cache.list('other')).toEqual([elsewhere]);
});

test('one listener that throws keeps nothing from the others', async () => {
  const script = new ScriptedClient(page('10'));
  const { cache, clock, logger } = await aCache(script);
  const heard: string[] = [];
  cache.subscribe(() => {
    throw new Error('bug');
  });
  const unsubscribe = cache.subscribe((change) => heard.push(tell(change)));
  script.watch.send({ type: 'ADDED', object: aWidget() });
  await clock.run(0);
  unsubscribe();
  script.watch.send({ type: 'DELETED', object: aWidget() });
  await clock.run(0);
  expect(heard).toEqual(['added a uid-a v1']);
  expect(logger.at('error')).toEqual(['a cache listener failed', 'a cache listener failed']);
});

test.each([
  ['an index', { indexes: { colour: colourOf } }],
  ['the transform', { transform: (widget: Widget) => (colourOf(widget), widget) }],
])('an object that %s cannot take costs no other object', async (_name, options) => {
  const script = new ScriptedClient(page('10', aWidget({ name: 'bare' }), red({ name: 'a' })));
  const { cache, changes, clock, logger } = await aCache(script, options);
  expect(cache.synced).toBe(true);
  script.watch.send({ type: 'DELETED', object: aWidget({ name: 'bare' }) });
  await clock.run(0);
  expect(changes).toEqual([
    'added bare uid-bare v1 initially',
    'added a uid-a v1 initially',
    'deleted bare uid-bare v1',
  ]);
  expect(logger.at('error').length).toBeGreaterThan(0);
});

/** Trusts what it should not. */
function colourOf({ spec }: Widget): readonly string[] {
  if (spec?.colour === undefined) throw new TypeError('no colour');
  return [spec.colour];
}

test('whenSynced waits for the first list, and for no longer than its signal', async () => {
  const { cache, clock } = await aCache(new ScriptedClient(new TypeError('down'), page('10')));
  expect(cache.synced).toBe(false);
  const impatient = new AbortController();
  const refused = cache.whenSynced(impatient.signal);
  impatient.abort(new Error('enough'));
  await expect(refused).rejects.toThrow('enough');
  const synced = cache.whenSynced();
  await clock.run(200);
  await synced;
  expect(cache.synced).toBe(true);
});

test('starting twice watches once, and stopping ends it for good', async () => {
  const script = new ScriptedClient(page('10'));
  const { cache, clock } = await aCache(script);
  cache.start();
  await clock.run(0);
  expect(script.watches).toHaveLength(1);
  await cache.stop();
  cache.start();
  await clock.run(60_000);
  expect(script.watches).toHaveLength(1);
  expect(clock.pending).toBe(0);
});

test('who wrote which field is not kept: it is often more than half of an object', async () => {
  const managedFields = [{ manager: 'kubectl', operation: 'Update' }];
  const script = new ScriptedClient(page('10', aWidget({ name: 'a', ...{ managedFields } })));
  const { cache, clock } = await aCache(script);
  script.watch.send({ type: 'ADDED', object: aWidget({ name: 'b', ...{ managedFields } }) });
  await clock.run(0);
  for (const name of ['a', 'b'])
    expect(cache.get(ref(name))?.metadata).not.toHaveProperty('managedFields');
});
