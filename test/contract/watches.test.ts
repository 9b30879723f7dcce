import { REAL, startEnvironment, type Environment, type WatchedEvent } from './environment.ts';
import { WIDGETS, widget, widgetsIn } from './widget-crd.ts';

let env: Environment;
let widgets: string;

beforeAll(async () => {
  env = await startEnvironment();
  widgets = widgetsIn(env.namespace);
});
afterAll(() => env.close());

async function revision(): Promise<string> {
  return (await env.api.get(widgets)).body.metadata.resourceVersion;
}

/** The events of a watch up to the one that is wanted, without bookmarks. */
async function eventsUntil(
  watch: AsyncIterable<WatchedEvent>,
  last: (event: WatchedEvent) => boolean,
): Promise<string[]> {
  const seen: string[] = [];
  for await (const event of watch) {
    if (event.type !== 'BOOKMARK') seen.push(`${event.type} ${event.object.metadata.name}`);
    if (last(event)) break;
  }
  return seen;
}

const deletionOf =
  (name: string) =>
  ({ type, object }: WatchedEvent): boolean =>
    type === 'DELETED' && object.metadata.name === name;

describe('a watch from a resource version', () => {
  test('tells of all that happened since, in order', async () => {
    const from = await revision();
    await env.api.post(widgets, widget('seen'));
    await env.api.merge(`${widgets}/seen`, { spec: { size: 2 } });
    await env.api.merge(`${widgets}/seen/status`, { status: { phase: 'Ready' } });
    await env.api.delete(`${widgets}/seen`);
    const events = await eventsUntil(
      env.api.watch(`${widgets}?resourceVersion=${from}&timeoutSeconds=30`),
      deletionOf('seen'),
    );
    expect(events).toEqual(['ADDED seen', 'MODIFIED seen', 'MODIFIED seen', 'DELETED seen']);
  });

  test('follows what happens while it is open', async () => {
    const watch = eventsUntil(
      env.api.watch(`${widgets}?resourceVersion=${await revision()}&timeoutSeconds=30`),
      deletionOf('live'),
    );
    await env.api.post(widgets, widget('live'));
    await env.api.delete(`${widgets}/live`);
    expect(await watch).toEqual(['ADDED live', 'DELETED live']);
  });

  test('gives a deleted object the resource version of its deletion', async () => {
    const from = await revision();
    const { body } = await env.api.post(widgets, widget('last'));
    await env.api.delete(`${widgets}/last`);
    for await (const { type, object } of env.api.watch(
      `${widgets}?resourceVersion=${from}&timeoutSeconds=30`,
    )) {
      if (type !== 'DELETED') continue;
      expect(object.metadata.uid).toBe(body.metadata.uid);
      expect(Number(object.metadata.resourceVersion)).toBeGreaterThan(
        Number(body.metadata.resourceVersion),
      );
      break;
    }
  });

  test('hears of its namespace only', async () => {
    const from = await revision();
    await env.api.post(widgetsIn('default'), {
      ...widget(''),
      metadata: { generateName: 'foreign-' },
    });
    await env.api.post(widgets, widget('own'));
    await env.api.delete(`${widgets}/own`);
    const events = await eventsUntil(
      env.api.watch(`${widgets}?resourceVersion=${from}&timeoutSeconds=30`),
      deletionOf('own'),
    );
    expect(events).toEqual(['ADDED own', 'DELETED own']);
    await env.api.delete(widgetsIn('default'));
  });

  test('sees an object enter and leave its selection', async () => {
    const from = await revision();
    await env.api.post(widgets, widget('moving', {}, { labels: { side: 'out' } }));
    await env.api.merge(`${widgets}/moving`, { metadata: { labels: { side: 'in' } } });
    await env.api.merge(`${widgets}/moving`, { spec: { size: 2 } });
    await env.api.merge(`${widgets}/moving`, { metadata: { labels: { side: 'out' } } });
    const watch = env.api.watch(
      `${widgets}?resourceVersion=${from}&labelSelector=side%3Din&timeoutSeconds=30`,
    );
    expect(await eventsUntil(watch, deletionOf('moving'))).toEqual([
      'ADDED moving',
      'MODIFIED moving',
      'DELETED moving',
    ]);
  });

  test('that is too old ends with 410 Expired', async () => {
    for await (const { type, object } of env.api.watch(
      `${WIDGETS}?resourceVersion=1&timeoutSeconds=30`,
    )) {
      expect(type).toBe('ERROR');
      expect(object).toMatchObject({
        kind: 'Status',
        status: 'Failure',
        code: 410,
        reason: 'Expired',
        message: expect.stringMatching(/^too old resource version: 1 \(\d+\)$/),
      });
    }
    expect.assertions(2);
  });

  test('ends when its time is over', async () => {
    const from = await revision();
    expect(
      await eventsUntil(
        env.api.watch(`${widgets}?resourceVersion=${from}&timeoutSeconds=1`),
        () => false,
      ),
    ).toEqual([]);
  });

  test('gets a bookmark before its time is over', async () => {
    const from = await revision();
    // A real server waits for its etcd to report progress.
    const seconds = REAL ? 12 : 3;
    const watch = env.api.watch(
      `${widgets}?resourceVersion=${from}&timeoutSeconds=${seconds}&allowWatchBookmarks=true`,
    );
    const bookmarks: WatchedEvent[] = [];
    for await (const event of watch) if (event.type === 'BOOKMARK') bookmarks.push(event);
    expect(bookmarks.length).toBeGreaterThan(0);
    expect(bookmarks[0]?.object).toMatchObject({
      kind: 'Widget',
      metadata: { resourceVersion: expect.stringMatching(/^\d+$/) },
    });
  });
});

describe('a watch without a resource version', () => {
  test('begins with what is there, and says when that is all', async () => {
    await env.api.post(widgets, widget('present'));
    const watch = env.api.watch(
      `${widgets}?timeoutSeconds=30&allowWatchBookmarks=true&fieldSelector=metadata.name%3Dpresent`,
    );
    const seen: WatchedEvent[] = [];
    for await (const event of watch) {
      seen.push(event);
      if (event.type === 'BOOKMARK') break;
    }
    expect(seen.map(({ type }) => type)).toEqual(['ADDED', 'BOOKMARK']);
    expect(seen[1]?.object.metadata).toMatchObject({
      annotations: { 'k8s.io/initial-events-end': 'true' },
    });
  });
});

test('a watch of tables defines the columns once', async () => {
  const from = await revision();
  await env.api.post(widgets, widget('tabled-one'));
  await env.api.post(widgets, widget('tabled-two'));
  const watch = env.api.watch(`${widgets}?resourceVersion=${from}&timeoutSeconds=30`, {
    accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
  });
  const tables: unknown[] = [];
  for await (const { object } of watch) {
    tables.push(object);
    if (tables.length === 2) break;
  }
  expect(tables).toEqual([
    expect.objectContaining({
      kind: 'Table',
      columnDefinitions: expect.arrayContaining([expect.objectContaining({ name: 'Size' })]),
    }),
    expect.objectContaining({
      columnDefinitions: null,
      rows: [expect.objectContaining({ cells: expect.arrayContaining(['tabled-two']) })],
    }),
  ]);
});

test('a watch of metadata leaves the rest out', async () => {
  const from = await revision();
  await env.api.post(widgets, widget('slim'));
  const accept = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
  for await (const { object } of env.api.watch(
    `${widgets}?resourceVersion=${from}&timeoutSeconds=30`,
    { accept },
  )) {
    expect([object.kind, object.metadata.name, object.spec]).toEqual([
      'PartialObjectMetadata',
      'slim',
      undefined,
    ]);
    break;
  }
});
