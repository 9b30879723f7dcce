import { aWidget, WIDGETS } from '../test/builders/widget.ts';
import type { Widget } from '../test/builders/widget.ts';
import { FakeLogger } from '../test/fakes/logger.ts';
import { connect, json, serve, stopAll, stopLater } from '../test/fakes/loopback.ts';
import type { Answer } from '../test/fakes/loopback.ts';
import { GoneError, UnavailableError } from './errors.ts';
import { ObjectCache } from './object-cache.ts';

afterEach(stopAll);

const line = (type: string, object: object) => `${JSON.stringify({ type, object })}\n`;
const forever = new AbortController().signal;
const watching = { resourceVersion: '1', timeoutSeconds: 300, signal: forever } as const;

async function collect<E>(events: AsyncIterable<E>): Promise<E[]> {
  const all = [];
  for await (const event of events) all.push(event);
  return all;
}

test('a watch yields events until the server closes it, whole even when characters are cut', async () => {
  const widget = aWidget({ annotations: { greeting: '👋' } });
  const bytes = Buffer.from(
    line('ADDED', widget) + line('BOOKMARK', aWidget({ resourceVersion: '9' })),
  );
  const cut = bytes.indexOf(Buffer.from('👋')) + 2;
  const { url, heard } = await serve((_request, response) => {
    response.write(bytes.subarray(0, cut), () =>
      setImmediate(() => response.end(bytes.subarray(cut))),
    );
  });
  const events = await collect(connect(url).watch(WIDGETS, { ...watching, namespace: 'default' }));
  expect(events).toEqual([
    { type: 'ADDED', object: widget },
    { type: 'BOOKMARK', resourceVersion: '9' },
  ]);
  expect(heard[0]?.url).toBe(
    '/apis/example.com/v1/namespaces/default/widgets?watch=true&allowWatchBookmarks=true&resourceVersion=1&timeoutSeconds=300',
  );
});

test.each<[string, Answer, unknown]>([
  ['is refused', json(410, { code: 410, reason: 'Expired', message: 'm' }), GoneError],
  [
    'meets an ERROR event',
    (_request, response) => {
      response.end(
        line('ADDED', aWidget()) + line('ERROR', { code: 410, reason: 'Expired', message: 'm' }),
      );
    },
    GoneError,
  ],
  [
    'is reset',
    (_request, response) => {
      response.write(line('ADDED', aWidget()), () => response.destroy());
    },
    UnavailableError,
  ],
  [
    'ends inside an event',
    (_request, response) => {
      response.end('{"type":"ADDED","object":{"meta');
    },
    UnavailableError,
  ],
])('a watch that %s throws the typed error', async (_name, answer, type) => {
  const { url } = await serve(answer);
  await expect(collect(connect(url).watch(WIDGETS, watching))).rejects.toThrow(
    type as typeof GoneError,
  );
});

test('leaving a watch early ends its connection', async () => {
  let closed = (): void => undefined;
  const closing = new Promise<void>((resolve) => (closed = resolve));
  const { url } = await serve((_request, response) => {
    response.on('close', () => {
      closed();
    });
    response.write(line('ADDED', aWidget()));
  });
  for await (const event of connect(url).watch(WIDGETS, watching)) {
    expect(event.type).toBe('ADDED');
    break;
  }
  await closing;
});

test('a cache over the wire outlives a reset, a silent connection, a 429, a 410 and a cut event', async () => {
  const version = (resourceVersion: string) => aWidget({ resourceVersion });
  /** As of a real server: what a watch that broke did not deliver comes again, for who asks from the same version. */
  const watches: Readonly<Record<string, Answer[]>> = {
    '1': [
      (_request, response) => {
        response.write(line('MODIFIED', version('2')), () => response.destroy());
      },
    ],
    '2': [
      (_request, response) => {
        response.writeHead(200).flushHeaders();
      },
      json(429, { code: 429, reason: 'TooManyRequests', message: 'm' }),
      (_request, response) => {
        response.end(`${line('MODIFIED', version('3'))}{"type":"MOD`);
      },
    ],
    '3': [
      (_request, response) => {
        response.end(line('ERROR', { code: 410, reason: 'Expired', message: 'm' }));
      },
    ],
    '4': [
      (_request, response) => {
        response.write(line('MODIFIED', version('5')));
      },
    ],
  };
  let lists = 0;
  const { url } = await serve((request, response) => {
    const query = new URL(request.url, 'http://server').searchParams;
    if (query.get('watch') === 'true') {
      const answers = watches[query.get('resourceVersion') ?? ''] ?? [];
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      answer?.(request, response);
    } else {
      lists += 1;
      const items = [version(lists === 1 ? '1' : '4')];
      json(200, { items, metadata: { resourceVersion: items[0]?.metadata.resourceVersion } })(
        request,
        response,
      );
    }
  });
  const cache = new ObjectCache<Widget>({
    client: connect(url),
    type: WIDGETS,
    logger: new FakeLogger(),
    idleTimeoutMs: 40,
    backoff: { baseMs: 1, maxMs: 5 },
  });
  stopLater(() => cache.stop());
  const seen: string[] = [];
  const done = new Promise<void>((resolve) => {
    cache.subscribe(({ object }) => {
      seen.push(object.metadata.resourceVersion);
      if (object.metadata.resourceVersion === '5') resolve();
    });
  });
  cache.start();
  await done;
  expect(seen).toEqual(['1', '2', '3', '4', '5']);
});
