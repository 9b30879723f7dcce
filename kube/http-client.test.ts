import { aWidget, WIDGETS } from '../test/builders/widget.ts';
import { FakeClock } from '../test/fakes/clock.ts';
import { connect, json, serve, stopAll } from '../test/fakes/loopback.ts';
import type { Answer } from '../test/fakes/loopback.ts';
import { ConflictError, NotFoundError, TooManyRequestsError, UnavailableError } from './errors.ts';
import type { HttpClient } from './http-client.ts';
import { PODS } from './pod.ts';
import type { ApiServerConfig } from './transport.ts';

afterEach(stopAll);

const ref = { namespace: 'default', name: 'a' };

async function nothing(events: AsyncIterable<unknown>): Promise<void> {
  for await (const event of events) throw new Error(`unexpected ${JSON.stringify(event)}`);
}

test.each<[string, (client: HttpClient) => Promise<unknown>, object]>([
  [
    'get',
    (c) => c.get(WIDGETS, ref),
    { method: 'GET', url: '/apis/example.com/v1/namespaces/default/widgets/a' },
  ],
  [
    'create',
    (c) =>
      c.create(WIDGETS, {
        apiVersion: 'example.com/v1',
        kind: 'Widget',
        metadata: { name: 'a', namespace: 'default' },
      }),
    {
      method: 'POST',
      url: '/apis/example.com/v1/namespaces/default/widgets',
      body: {
        apiVersion: 'example.com/v1',
        kind: 'Widget',
        metadata: { name: 'a', namespace: 'default' },
      },
    },
  ],
  [
    'replace',
    (c) => c.replace(WIDGETS, aWidget(), { subresource: 'status' }),
    {
      method: 'PUT',
      url: '/apis/example.com/v1/namespaces/default/widgets/a/status',
      body: aWidget(),
    },
  ],
  [
    'merge patch',
    (c) =>
      c.patch(WIDGETS, ref, { kind: 'merge', body: { status: {} } }, { subresource: 'status' }),
    {
      method: 'PATCH',
      url: '/apis/example.com/v1/namespaces/default/widgets/a/status',
      headers: expect.objectContaining({ 'content-type': 'application/merge-patch+json' }),
      body: { status: {} },
    },
  ],
  [
    'json patch',
    (c) => c.patch(WIDGETS, ref, { kind: 'json', body: [{ op: 'remove', path: '/spec' }] }),
    {
      headers: expect.objectContaining({ 'content-type': 'application/json-patch+json' }),
      body: [{ op: 'remove', path: '/spec' }],
    },
  ],
  [
    'apply',
    (c) =>
      c.patch(WIDGETS, ref, { kind: 'apply', body: { spec: {} }, fieldManager: 'me', force: true }),
    {
      url: '/apis/example.com/v1/namespaces/default/widgets/a?fieldManager=me&force=true',
      headers: expect.objectContaining({ 'content-type': 'application/apply-patch+yaml' }),
    },
  ],
  [
    'delete',
    (c) =>
      c.delete(WIDGETS, ref, { uid: 'u', gracePeriodSeconds: 0, propagationPolicy: 'Foreground' }),
    {
      method: 'DELETE',
      url: '/apis/example.com/v1/namespaces/default/widgets/a',
      body: {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        preconditions: { uid: 'u' },
        gracePeriodSeconds: 0,
        propagationPolicy: 'Foreground',
      },
    },
  ],
])('%s is sent as the API wants it', async (_name, call, expected) => {
  const { url, heard } = await serve(json(200, aWidget()));
  await call(connect(url));
  expect(heard[0]).toMatchObject(expected);
});

test('a list asks for what was selected, and its items get the kind that the server leaves out', async () => {
  const { metadata } = aWidget();
  const { url, heard } = await serve(
    json(200, { items: [{ metadata }], metadata: { resourceVersion: '7' } }),
  );
  const list = await connect(url).list(PODS, { labelSelector: 'a=b', limit: 5, continue: 'c d' });
  expect(heard[0]?.url).toBe('/api/v1/pods?labelSelector=a%3Db&limit=5&continue=c+d');
  expect(list).toEqual({
    items: [{ apiVersion: 'v1', kind: 'Pod', metadata }],
    metadata: { resourceVersion: '7' },
  });
});

test('a server behind a path is reached under it', async () => {
  const { url, heard } = await serve(json(200, aWidget()));
  await connect(`${url}/k8s/clusters/c-1/`).get(PODS, ref);
  expect(heard[0]?.url).toBe('/k8s/clusters/c-1/api/v1/namespaces/default/pods/a');
});

test('calls one after the other share a connection, which a watch does not take', async () => {
  const { url, connections } = await serve((request, response) => {
    if (request.url.includes('watch')) response.writeHead(200).flushHeaders();
    else json(200, aWidget())(request, response);
  });
  const client = connect(url);
  const stop = new AbortController();
  const watch = nothing(
    client.watch(WIDGETS, { resourceVersion: '1', timeoutSeconds: 300, signal: stop.signal }),
  );
  const failed = expect(watch).rejects.toThrow('enough');
  for (let round = 0; round < 50; round += 1) await client.get(WIDGETS, ref);
  // Two for the calls: undici hands out the next one a moment before it has freed the last one's connection.
  expect(connections()).toBeLessThanOrEqual(3);
  stop.abort(new Error('enough'));
  await failed;
});

test('a deletion, which brings a body, leaves its connection open for the next call', async () => {
  const { url, connections } = await serve(json(200, aWidget()));
  const client = connect(url);
  for (let round = 0; round < 50; round += 1) {
    await client.delete(WIDGETS, ref);
    await client.get(WIDGETS, ref);
  }
  // Two, as above.
  expect(connections()).toBeLessThanOrEqual(2);
});

test('a refusal is the typed error, with the time to wait', async () => {
  const body = { kind: 'Status', code: 429, reason: 'TooManyRequests', message: 'slow down' };
  const { url } = await serve(json(429, body, { 'retry-after': '2' }));
  const error: unknown = await connect(url)
    .get(WIDGETS, ref)
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(TooManyRequestsError);
  expect(error).toMatchObject({ message: 'slow down', retryAfterMs: 2_000, retryable: true });
});

test.each([
  [404, 'NotFound', NotFoundError],
  [409, 'Conflict', ConflictError],
])('%i %s is told apart', async (code, reason, type) => {
  const { url } = await serve(json(code, { code, reason, message: 'm' }));
  await expect(connect(url).get(WIDGETS, ref)).rejects.toThrow(type);
});

test.each<[string, Answer]>([
  [
    'resets the connection',
    (_request, response) => {
      response.destroy();
    },
  ],
  [
    'sends half an object',
    (_request, response) => {
      response.writeHead(200).end('{"meta');
    },
  ],
  [
    'breaks off',
    (_request, response) => {
      response
        .writeHead(200, { 'content-length': '100' })
        .write('{"meta', () => response.destroy());
    },
  ],
  [
    'answers in HTML',
    (_request, response) => {
      response.writeHead(200).end('<html>');
    },
  ],
])('a server that %s is unavailable', async (_name, answer) => {
  const { url } = await serve(answer);
  await expect(connect(url).get(WIDGETS, ref)).rejects.toThrow(UnavailableError);
});

test('a server that is not there is unavailable, with the reason', async () => {
  const error: unknown = await connect('http://127.0.0.1:1')
    .get(WIDGETS, ref)
    .catch((e: unknown) => e);
  expect(error).toMatchObject({ name: 'UnavailableError', code: 'ECONNREFUSED', retryable: true });
});

test('a call that gets no answer in time is unavailable, and leaves no timer', async () => {
  const clock = new FakeClock();
  let reached = (): void => undefined;
  const arrival = new Promise<void>((resolve) => (reached = resolve));
  const { url } = await serve(() => {
    reached();
  });
  const call = connect(url, { clock, requestTimeoutMs: 5_000 }).get(WIDGETS, ref);
  const failed = expect(call).rejects.toMatchObject({ name: 'UnavailableError', code: 'Timeout' });
  await arrival;
  clock.advance(5_000);
  await failed;
  expect(clock.pending).toBe(0);
});

test('credentials that never come do not outlast the deadline or an abort', async () => {
  const clock = new FakeClock();
  const config = { applyToHTTPSOptions: () => new Promise<void>(() => undefined) };
  const client = connect('http://127.0.0.1:1', { clock, config, requestTimeoutMs: 5_000 });
  const stop = new AbortController();
  const { signal } = stop;
  const call = expect(client.get(WIDGETS, ref)).rejects.toMatchObject({ code: 'Timeout' });
  const watch = expect(
    nothing(client.watch(WIDGETS, { resourceVersion: '1', timeoutSeconds: 300, signal })),
  ).rejects.toThrow('enough');
  await clock.run(5_000);
  stop.abort(new Error('enough'));
  await Promise.all([call, watch]);
});

test('a caller’s abort rejects with its reason', async () => {
  const { url } = await serve(() => undefined);
  const client = connect(url);
  const stop = new AbortController();
  const call = client.get(WIDGETS, ref, stop.signal);
  stop.abort(new Error('enough'));
  await expect(call).rejects.toThrow('enough');
  await expect(client.get(WIDGETS, ref, stop.signal)).rejects.toThrow('enough');
});

test('the token of the day is sent, and asked for anew after a while or a 401', async () => {
  const clock = new FakeClock();
  let token = 0;
  let status = 200;
  const { url, heard } = await serve((request, response) => {
    json(status, aWidget())(request, response);
  });
  const applyToHTTPSOptions: ApiServerConfig['applyToHTTPSOptions'] = (options) => {
    token += 1;
    options.headers = { Authorization: `Bearer ${String(token)}` };
    return Promise.resolve();
  };
  const client = connect(url, { clock, config: { applyToHTTPSOptions } });
  await Promise.all([client.get(WIDGETS, ref), client.get(WIDGETS, ref)]);
  clock.advance(10_000);
  status = 401;
  await expect(client.get(WIDGETS, ref)).rejects.toMatchObject({ status: { code: 401 } });
  status = 200;
  await client.get(WIDGETS, ref);
  const sent = heard.map(({ headers }) => headers.authorization);
  expect(sent).toEqual(['Bearer 1', 'Bearer 1', 'Bearer 2', 'Bearer 3']);
});

test('new TLS material opens new connections', async () => {
  const clock = new FakeClock();
  const { url, connections } = await serve(json(200, aWidget()));
  let cert = 'one';
  const applyToHTTPSOptions: ApiServerConfig['applyToHTTPSOptions'] = (options) => {
    options.cert = cert;
    return Promise.resolve();
  };
  const client = connect(url, { clock, config: { applyToHTTPSOptions } });
  const settle = async (): Promise<void> => {
    for (let round = 0; round < 5; round += 1) await client.get(WIDGETS, ref);
    clock.advance(10_000);
  };
  await settle();
  const before = connections();
  await settle();
  expect(connections()).toBe(before);
  cert = 'two';
  await settle();
  expect(connections()).toBeGreaterThan(before);
});
