import { once } from 'node:events';
import { generateKeyPairSync } from 'node:crypto';
import { type RequestListener, type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ExecutorTarget } from '../../executor/client.ts';
import type { FinalState } from '../../executor/contract.ts';
import { HttpExecutorClient } from '../../executor/http-client.ts';
import { TokenSigner } from '../../executor/token.ts';
import { systemClock } from '../../kube/clock.ts';

const output = { text: '', bytes: 0, truncated: false };
const time = '2026-01-01T00:00:00.000Z';
const final: FinalState = {
  id: 'run',
  phase: 'Completed',
  reason: 'Completed',
  exitCode: 0,
  stdout: output,
  stderr: output,
  metrics: { durationMs: 1 },
  startedAt: time,
  finishedAt: time,
};

let answer: RequestListener = (_request, response) => response.end();
let server: Server;
let target: ExecutorTarget;
let client: HttpExecutorClient;

beforeAll(async () => {
  server = createServer((request, response) => {
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  target = { podUID: 'pod', address: { kind: 'tcp', host: '127.0.0.1', port } };
  client = new HttpExecutorClient(
    new TokenSigner(generateKeyPairSync('ed25519').privateKey, systemClock),
  );
});
afterAll(async () => {
  await client.close();
  server.close();
  server.closeAllConnections();
});

const say = (body: unknown, status = 200): void => {
  answer = (_request, response) =>
    response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body));
};
const ask = (): Promise<unknown> => client.state(target, 'run', { waitMs: 0 });

describe('an executor that is honest', () => {
  it('is believed', async () => {
    say({ ...final, returnValue: { a: [1, null] } });
    expect(await ask()).toEqual({ ...final, returnValue: { a: [1, null] } });
  });

  it('is told whose request a call is made for, where that is known', async () => {
    const told: unknown[] = [];
    answer = (request, response) => {
      told.push(request.headers['x-request-id']);
      response.end(JSON.stringify(final));
    };
    await ask();
    await client.state({ ...target, requestId: 'req-1' }, 'run', { waitMs: 0 });
    expect(told).toEqual([undefined, 'req-1']);
  });

  it.each<[number, unknown, object]>([
    [
      401,
      { code: 'Unauthorized', message: 'm' },
      { code: 'Unauthorized', retryable: false, message: 'm' },
    ],
    [404, { code: 'NotFound', message: 'm' }, { code: 'NotFound', retryable: false }],
    [409, { code: 'Conflict', message: 'm' }, { code: 'Conflict', retryable: false }],
    [503, { code: 'Busy', message: 'm' }, { code: 'Refused', retryable: true }],
    [500, '"?"', { code: 'Refused', retryable: true, message: 'no reason given' }],
  ])('and answers %d is understood', async (status, body, error) => {
    say(body, status);
    await expect(ask()).rejects.toMatchObject({ name: 'ExecutorError', ...error });
  });
});

describe('an executor that is hostile', () => {
  it.each<[string, () => unknown]>([
    ['no JSON', () => 'hello'],
    ['nothing', () => ''],
    ['another shape', () => ({ phase: 'Great' })],
    ['the outcome of another run', () => ({ ...final, id: 'other' })],
    [
      'more output than agreed',
      () => ({ ...final, stdout: { ...output, text: '\0'.repeat(40_000) } }),
    ],
    ['a larger return value than agreed', () => ({ ...final, returnValue: 'x'.repeat(262_145) })],
    [
      'a return value that is nested too deep',
      () =>
        JSON.stringify(final).replace(
          '}',
          `,"returnValue":${'['.repeat(5_000)}${']'.repeat(5_000)}}`,
        ),
    ],
    ['more bytes than any outcome has', () => ' '.repeat(3_000_000)],
    [
      'more values than any outcome has',
      () => JSON.stringify({ ...final, more: [] }).replace('[]', `[${'[],'.repeat(500_000)}0]`),
    ],
    ['an exit code beyond all', () => ({ ...final, exitCode: 1e9 })],
  ])('and says %s is not believed', async (_, body) => {
    say(body());
    await expect(ask()).rejects.toMatchObject({ code: 'BadAnswer', retryable: false });
  });

  it('and answers a small question at length is not believed', async () => {
    say({ status: 'ok', version: '1', uptimeMs: 1, languages: [], more: 'x'.repeat(70_000) });
    await expect(client.health(target)).rejects.toMatchObject({ code: 'BadAnswer' });
  });

  it('and speaks no HTTP is not believed', async () => {
    answer = (request) => request.socket.end('nonsense\r\n\r\n');
    await expect(ask()).rejects.toMatchObject({ code: 'BadAnswer' });
  });

  it('and hangs up can be asked again', async () => {
    answer = (request) => request.socket.destroy();
    await expect(ask()).rejects.toMatchObject({ code: 'Unreachable', retryable: true });
    say(final);
    expect(await ask()).toEqual(final);
  });

  const file = { etag: '"v1"', 'last-modified': 'Tue, 01 Jan 2030 00:00:00 GMT' };

  it.each<[string, { 'content-length'?: string }]>([
    ['endless', {}],
    ['too long', { 'content-length': '9' }],
    ['too short', { 'content-length': '2' }],
  ])('and sends a range that is %s is not believed', async (_, length) => {
    answer = (request, response) => {
      response.writeHead(206, { ...file, 'content-range': 'bytes 0-3/4', ...length });
      response.write('0123456789'.slice(0, Number(length['content-length'] ?? 10)));
      request.socket.end();
    };
    const range = { start: 0, end: 3 };
    await expect(client.files(target).read('a', { range })).rejects.toMatchObject({
      code: 'BadAnswer',
    });
  });

  it('and sends a file that is let go unread harms nobody', async () => {
    answer = (_request, response) =>
      response.writeHead(200, { ...file, 'content-length': '3' }).end('abc');
    const { content } = await client.files(target).read('a');
    // Not events.once: that would listen to its failure.
    const { promise, resolve } = Promise.withResolvers<unknown>();
    content.once('close', resolve);
    content.destroy();
    await promise;
    expect(content.errored).toMatchObject({ code: 'UND_ERR_ABORTED' });
  });

  it('cannot send the client elsewhere', async () => {
    answer = (_request, response) =>
      response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end('{}');
    await expect(ask()).rejects.toMatchObject({ code: 'Refused' });
  });
});

describe('a stream of events', () => {
  const { signal } = new AbortController();
  const event = (n: number, data = 'x'): string =>
    `${JSON.stringify({ n, type: 'stdout', data })}\n`;
  const end = (n: number): string => `${JSON.stringify({ n, type: 'end', phase: 'Completed' })}\n`;
  const read = async (from = 0): Promise<unknown[]> => {
    const events: unknown[] = [];
    for await (const each of client.events(target, 'run', { from, waitMs: 0, signal }))
      events.push(each);
    return events;
  };

  it('is read to its end, and no further', async () => {
    say(event(3) + '{"n":4,"type":"gap","bytes":1}\n' + end(5) + 'nonsense\n');
    expect(await read(3)).toMatchObject([{ n: 3 }, { n: 4, type: 'gap' }, { type: 'end' }]);
  });

  it.each([
    ['no JSON', 'hello\n'],
    ['another shape', '{"n":0,"type":"stdin","data":""}\n'],
    ['an event that was not asked for', event(1)],
    ['an event twice', event(0) + event(0)],
    ['more than an event holds', event(0, 'x'.repeat(5_001))],
    ['a line without end', 'x'.repeat(200_000)],
  ])('with %s is not believed', async (_, body) => {
    say(body);
    await expect(read()).rejects.toMatchObject({ code: 'BadAnswer', retryable: false });
  });

  it('that breaks off can be asked for again', async () => {
    say(event(0));
    await expect(read()).rejects.toMatchObject({ code: 'Unreachable', retryable: true });
    say({ code: 'NotFound', message: 'm' }, 404);
    await expect(read()).rejects.toMatchObject({ code: 'NotFound' });
    say('x'.repeat(100_000), 500);
    await expect(read()).rejects.toMatchObject({ code: 'BadAnswer' });
  });

  it('is left by leaving the loop, and by the signal', async () => {
    const hungUp = (): Promise<unknown> =>
      new Promise((resolve) => {
        answer = (_request, response) => {
          response.write(event(0));
          response.once('close', resolve);
        };
      });
    const left = hungUp();
    for await (const each of client.events(target, 'run', { from: 0, waitMs: 0, signal })) {
      expect(each.n).toBe(0);
      break;
    }
    await left;

    const aborted = hungUp();
    const controller = new AbortController();
    const options = { from: 0, waitMs: 0, signal: controller.signal };
    const events = client.events(target, 'run', options)[Symbol.asyncIterator]();
    await events.next();
    const next = events.next();
    controller.abort();
    await expect(next).rejects.toMatchObject({ code: 'Aborted' });
    await aborted;
  });
});

describe('an executor that is not there', () => {
  it.each<[string, ExecutorTarget['address']]>([
    ['at a port', { kind: 'tcp', host: '127.0.0.1', port: 1 }],
    ['at a socket file', { kind: 'unix', path: '/nonexistent/executor.sock' }],
  ])('%s is unreachable, and may be asked again', async (_, address) => {
    await expect(client.health({ podUID: 'gone', address })).rejects.toMatchObject({
      code: 'Unreachable',
      retryable: true,
    });
  });
});

describe('the client', () => {
  it('sends a token for the pod, and the same one again', async () => {
    const seen: (string | undefined)[] = [];
    answer = (request, response) => {
      seen.push(request.headers.authorization);
      response.end(JSON.stringify(final));
    };
    await ask();
    await ask();
    const [, payload = ''] = seen[0]?.split('.') ?? [];
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
      aud: 'pod',
      iss: 'sandbox-control-plane',
    });
    expect(seen[1]).toBe(seen[0]);
  });

  it('gives up when told to', async () => {
    answer = () => undefined;
    const controller = new AbortController();
    const asked = client.state(target, 'run', { waitMs: 60_000, signal: controller.signal });
    controller.abort();
    await expect(asked).rejects.toMatchObject({ code: 'Aborted' });
  });

  it('follows a pod to a new address', async () => {
    say(final);
    await ask();
    await expect(
      client.health({ ...target, address: { kind: 'tcp', host: '127.0.0.1', port: 1 } }),
    ).rejects.toMatchObject({ code: 'Unreachable' });
    expect(await ask()).toEqual(final);
  });
});
