import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import type { ServerResponse } from 'node:http';
import type { IndexAnswer, IndexHandler } from '../../executor/client.ts';
import { FakeClock } from '../../test/fakes/clock.ts';
import { FakeLogger } from '../../test/fakes/logger.ts';
import { serve, stopAll, stopLater, type Heard } from '../../test/fakes/loopback.ts';
import { DEFAULT_INDEX_POLICY, type IndexPolicy } from './allowed.ts';
import { PackageGateway } from './gateway.ts';
import { PackageCache } from './package-cache.ts';
import { Upstream } from './upstream.ts';
import { createHash } from 'node:crypto';

const WHEEL = Buffer.from('the bytes of a wheel');
const SHA256 = createHash('sha256').update(WHEEL).digest('hex');
const PAGE = '/simple/thing/';
const FILE = 'thing-1.0-py3-none-any.whl';
const clock = new FakeClock();

afterEach(stopAll);

interface World {
  readonly index: IndexHandler;
  readonly heard: Heard[];
  readonly folder: string;
  readonly answers: Map<string, (response: ServerResponse, request: Heard) => void>;
  readonly url: string;
  /** The same cache, as a later process finds it. */
  readonly again: () => Promise<IndexHandler>;
  readonly gatewayOf: (upstream: Pick<Upstream, 'get'>) => Promise<PackageGateway>;
}

/** A gateway in front of an index on loopback, which its policy trusts. */
async function world(maxBytes = 2 ** 30, trusts = true): Promise<World> {
  const answers = new Map<string, (response: ServerResponse, request: Heard) => void>();
  const { heard, url } = await serve((request, response) => {
    const answer = answers.get(request.url);
    if (answer === undefined) response.writeHead(404).end();
    else answer(response, request);
  });
  answers.set(PAGE, (response, request) => {
    if (request.headers['if-none-match'] === '"1"') {
      response.writeHead(304).end();
      return;
    }
    response.writeHead(200, { 'content-type': 'text/html', etag: '"1"' });
    response.end(
      `<a href="../../dist/${FILE}#sha256=${SHA256}">${FILE}</a><a href="/plain">plain-1.zip</a>`,
    );
  });
  answers.set(`/dist/${FILE}`, (response) => response.end(WHEEL));
  answers.set('/plain', (response) => response.end('plain'));
  const { host } = new URL(url);
  const policy: IndexPolicy = { ...DEFAULT_INDEX_POLICY, trustedHosts: trusts ? [host] : [] };
  const folder = await mkdtemp(join(tmpdir(), 'packages-'));
  stopLater(() => rm(folder, { recursive: true }));
  const gatewayOf = async (upstream: Pick<Upstream, 'get'>): Promise<PackageGateway> => {
    const cache = new PackageCache(folder, maxBytes);
    await cache.open();
    return new PackageGateway({ policy, upstream, cache, clock, logger: new FakeLogger() });
  };
  const again = async (): Promise<IndexHandler> => {
    const upstream = new Upstream(policy);
    stopLater(() => upstream.close());
    const gateway = await gatewayOf(upstream);
    return gateway.open(`${url}/simple/`);
  };
  return { index: await again(), heard, folder, answers, url, again, gatewayOf };
}

function ask(
  index: IndexHandler,
  path: string,
  method: 'GET' | 'HEAD' = 'GET',
): Promise<IndexAnswer> {
  return index({ method, path }, new AbortController().signal);
}

async function bytesOf(answer: IndexAnswer): Promise<string> {
  const { body } = answer;
  if (body === undefined) return '';
  return (Buffer.isBuffer(body) ? body : await buffer(body)).toString();
}

test('what a page links to can be had, by the name of the project and of the file', async () => {
  const { index } = await world();
  const page: unknown = JSON.parse(await bytesOf(await ask(index, '/simple/Thing/')));
  expect(page).toMatchObject({ files: [{ url: `../../files/thing/${FILE}` }, {}] });
  const file = await ask(index, `/files/thing/${FILE}`);
  expect(file).toMatchObject({ status: 200, contentLength: WHEEL.length });
  expect(await bytesOf(file)).toBe(WHEEL.toString());
});

test('the second sandbox costs the index nothing, nor does one after a restart', async () => {
  const { index, heard, again } = await world();
  await ask(index, PAGE);
  await bytesOf(await ask(index, `/files/thing/${FILE}`));
  const before = heard.length;
  const later = await again();
  for (const handler of [index, later]) {
    await ask(handler, PAGE);
    expect(await bytesOf(await ask(handler, `/files/thing/${FILE}`))).toBe(WHEEL.toString());
  }
  expect(heard).toHaveLength(before);
});

test('a file that many ask for at a time is fetched once', async () => {
  const { index, heard } = await world();
  await Promise.all(
    Array.from({ length: 8 }, async () => bytesOf(await ask(index, `/files/thing/${FILE}`))),
  );
  expect(heard.filter(({ url }) => url === `/dist/${FILE}`)).toHaveLength(1);
});

test('an old page is asked for anew, and kept if it is the same or the index is away', async () => {
  const { index, heard, answers } = await world();
  await ask(index, PAGE);
  clock.advance(700_000);
  expect(await ask(index, PAGE)).toMatchObject({ status: 200 });
  expect(heard.at(-1)?.headers['if-none-match']).toBe('"1"');
  clock.advance(700_000);
  answers.set(PAGE, (response) => response.writeHead(500).end());
  expect(await ask(index, PAGE)).toMatchObject({ status: 200 });
});

test.each([
  '/',
  '/simple/',
  '/simple/thing',
  '/simple/../thing/',
  '/simple/%2e%2e/',
  '/simple/thing/?q',
  '/simple/thing/extra/',
  '/simple/-r/',
  '/files/thing/../../etc/passwd',
  '/files/thing/..%2f..%2fetc%2fpasswd',
  '/files/thing/other-1.0.whl',
  '/files/thing/__proto__',
  '/files/thing/constructor',
  '/plain',
  'http://169.254.169.254/',
  '//example.org/simple/thing/',
  '/npm/../thing',
  '/npm/@scope/a/b',
])('%s is not to be had', async (path) => {
  const { index, heard } = await world();
  expect(await ask(index, path)).toEqual({ status: 404 });
  expect(heard.every(({ url }) => url === PAGE)).toBe(true);
});

test('a file that is not what its page says is not handed on, and not kept', async () => {
  const { index, answers, folder } = await world();
  answers.set(`/dist/${FILE}`, (response) => response.end('something else'));
  expect(await ask(index, `/files/thing/${FILE}`)).toEqual({ status: 502 });
  const kept = await readdir(folder);
  expect(kept.filter((name) => name.startsWith('sha256-'))).toEqual([]);
  expect(await readdir(join(folder, 'unfinished'))).toEqual([]);
});

test('a connection that breaks in the middle of a file leaves nothing behind, and the next try is whole', async () => {
  const { index, answers } = await world();
  answers.set(`/dist/${FILE}`, (response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half');
    setImmediate(() => response.destroy());
  });
  expect(await ask(index, `/files/thing/${FILE}`)).toEqual({ status: 502 });
  answers.set(`/dist/${FILE}`, (response) => response.end(WHEEL));
  expect(await bytesOf(await ask(index, `/files/thing/${FILE}`))).toBe(WHEEL.toString());
});

test('an index on loopback that nobody trusts is not asked', async () => {
  const { index, heard } = await world(2 ** 30, false);
  expect(await ask(index, PAGE)).toEqual({ status: 403 });
  expect(heard).toEqual([]);
});

test('a redirect to where it may not ask is not followed', async () => {
  const { index, answers } = await world();
  answers.set(PAGE, (response) =>
    response.writeHead(302, { location: 'http://169.254.169.254/x' }).end(),
  );
  expect(await ask(index, PAGE)).toEqual({ status: 403 });
  answers.set(PAGE, (response) => response.writeHead(302, { location: PAGE }).end());
  expect(await ask(index, PAGE)).toEqual({ status: 502 });
});

test('a link to where it may not ask is not followed', async () => {
  const { index, answers } = await world();
  answers.set(PAGE, (response) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end(
      '<a href="https://10.0.0.1/thing-2.zip">thing-2.zip</a><a href="file:///etc/passwd">thing-3.zip</a>',
    );
  });
  expect(await ask(index, '/files/thing/thing-2.zip')).toEqual({ status: 403 });
  expect(await ask(index, '/files/thing/thing-3.zip')).toEqual({ status: 403 });
});

test('a public name that resolves to an address inside is not connected to', async () => {
  const upstream = new Upstream(DEFAULT_INDEX_POLICY, (_host, _options, callback) => {
    callback(null, [
      { address: '93.184.216.34', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ]);
  });
  stopLater(() => upstream.close());
  const asked = upstream.get(
    new URL('https://rebound.example.org/'),
    {},
    new AbortController().signal,
  );
  await expect(asked).rejects.toMatchObject({
    code: expect.stringMatching(/NotAllowed|Unavailable/),
  });
  await expect(asked).rejects.toMatchObject({ message: expect.not.stringContaining('127.0.0.1') });
});

test('a full cache lets go of what was not used for longest', async () => {
  const { index, folder, heard } = await world(1_500);
  await bytesOf(await ask(index, `/files/thing/${FILE}`));
  await bytesOf(await ask(index, '/files/thing/plain-1.zip'));
  const cache = new PackageCache(folder, 1_500);
  await cache.write('large', 'x'.repeat(1_400));
  expect(await readdir(folder)).toEqual(expect.arrayContaining(['unfinished']));
  const left = (await readdir(folder)).filter((name) => name !== 'unfinished');
  expect(left.length).toBeLessThan(4);
  const before = heard.length;
  expect(await bytesOf(await ask(index, `/files/thing/${FILE}`))).toBe(WHEEL.toString());
  expect(heard.length).toBeGreaterThanOrEqual(before);
});

test('HEAD has no body', async () => {
  const { index } = await world();
  const answer = await ask(index, PAGE, 'HEAD');
  expect(answer.status).toBe(200);
  expect(answer.body).toBeUndefined();
});

test('an index that is only public does not lead to what is trusted, not even where the cache has it', async () => {
  const { index, heard, url, gatewayOf } = await world();
  await bytesOf(await ask(index, '/files/thing/plain-1.zip'));
  const asked = heard.length;
  const page = `<a href="${url}/plain">plain-1.zip</a><a href="${url}/secret">secret-1.zip</a>`;
  const gateway = await gatewayOf({
    get: async (address) => ({
      status: 200,
      contentType: 'text/html',
      contentEncoding: 'identity',
      etag: undefined,
      body: Readable.from([Buffer.from(page)]),
      url: address,
    }),
  });
  const foreign = gateway.open('https://public.example.org/simple/');
  expect(await ask(foreign, PAGE)).toMatchObject({ status: 200 });
  for (const file of ['plain-1.zip', 'secret-1.zip'])
    expect(await ask(foreign, `/files/thing/${file}`)).toEqual({ status: 403 });
  expect(heard).toHaveLength(asked);
});

const JSON_PAGE = { 'content-type': 'application/vnd.pypi.simple.v1+json' };

test.each([
  ['values', JSON_PAGE, `{"files":[${'[],'.repeat(1_100_000)}0]}`],
  ['files', JSON_PAGE, `{"files":[${'0,'.repeat(60_000)}0]}`],
  ['links', { 'content-type': 'text/html' }, '<a href=x>a</a>'.repeat(60_000)],
  ['attributes', { 'content-type': 'text/html' }, `<a href=x ${'a '.repeat(500)}>a</a>`],
  ['tags in tags', { 'content-type': 'text/html' }, '<b>'.repeat(2_000)],
  ['parts', { 'content-type': 'text/html' }, '<'.repeat(1_100_000)],
  ['comments', { 'content-type': 'text/html' }, '<!---->'.repeat(1_100_000)],
])('a page of more %s than any project has is not read', async (_what, type, text) => {
  const { index, answers } = await world();
  answers.set(PAGE, (response) => {
    response.writeHead(200, { ...type, 'content-encoding': 'gzip' }).end(gzipSync(text));
  });
  expect(await ask(index, PAGE)).toEqual({ status: 502 });
});

test('a long page is answered from the disk, and what it links to can be had', async () => {
  const { index, answers } = await world();
  const files = Array.from({ length: 20_000 }, (_, n) => ({
    filename: `thing-${String(n)}.zip`,
    url: '/plain',
  }));
  answers.set(PAGE, (response) => {
    response.writeHead(200, JSON_PAGE).end(JSON.stringify({ files }));
  });
  const answer = await ask(index, PAGE);
  expect(Buffer.isBuffer(answer.body)).toBe(false);
  const text = await bytesOf(answer);
  expect(text).toHaveLength(answer.contentLength ?? 0);
  expect(JSON.parse(text)).toMatchObject({ files: { length: 20_000 } });
  expect(await bytesOf(await ask(index, '/files/thing/thing-19999.zip'))).toBe('plain');
});

test('a sandbox has few downloads at a time, also of what it waits for no more', async () => {
  const { index, answers } = await world();
  const names = Array.from({ length: 40 }, (_, n) => `thing-${String(n)}.zip`);
  const open = new Set<ServerResponse>();
  let most = 0;
  answers.set(PAGE, (response) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.end(names.map((name) => `<a href="/${name}">${name}</a>`).join(''));
  });
  /** Not before others would have come, had they been sent. */
  const release = async (): Promise<void> => {
    for (const other of ['a', 'b', 'c']) await ask(index, `/simple/${other}/`);
    for (const response of open) response.end('x');
    open.clear();
  };
  for (const name of names)
    answers.set(`/${name}`, (response) => {
      open.add(response);
      most = Math.max(most, open.size);
      if (open.size === 8) void release();
    });
  const gone = AbortSignal.abort();
  await ask(index, PAGE);
  await Promise.all(
    names.map((name) => index({ method: 'GET', path: `/files/thing/${name}` }, gone).then(bytesOf)),
  );
  expect(most).toBeLessThanOrEqual(8);
});

test.each([
  ['has promised it at a slow address', ''],
  ['waits for other things first', `<a href="/dist/${FILE}#sha256=${SHA256}">${FILE}</a>`],
])('nobody waits for a file because another sandbox %s', async (_what, last) => {
  const { answers, url, heard, gatewayOf } = await world();
  const { host } = new URL(url);
  const upstream = new Upstream({ ...DEFAULT_INDEX_POLICY, trustedHosts: [host] });
  stopLater(() => upstream.close());
  const gateway = await gatewayOf(upstream);
  const names = Array.from({ length: 8 }, (_, n) => `slow-${String(n)}.zip`);
  answers.set('/other/thing/', (response) => {
    response.writeHead(200, { 'content-type': 'text/html' });
    response.write(last);
    response.end(names.map((name) => `<a href="/${name}#sha256=${SHA256}">${name}</a>`).join(''));
  });
  const { promise: isSlow, resolve } = Promise.withResolvers<undefined>();
  for (const name of names)
    answers.set(`/${name}`, (response) => {
      response.writeHead(200).flushHeaders();
      if (heard.filter((request) => request.url.startsWith('/slow')).length === names.length)
        resolve(undefined);
    });
  const other = gateway.open(`${url}/other/`);
  const ofOther = (name: string): Promise<IndexAnswer> => ask(other, `/files/thing/${name}`);
  const slow = names.map(ofOther);
  // Not before all of them are under way: with the file here, none of the same digest would be fetched any more.
  await isSlow;
  slow.push(ofOther(FILE));
  const index = gateway.open(`${url}/simple/`);
  expect(await bytesOf(await ask(index, `/files/thing/${FILE}`))).toBe(WHEEL.toString());
  await upstream.close();
  await Promise.all(slow);
});
