import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import express, { Router } from 'express';
import { z } from 'zod';
import { FakeClock } from '../test/fakes/clock.ts';
import { FakeLogger } from '../test/fakes/logger.ts';
import { anonymousIn } from './auth/principal.ts';
import { answerErrors } from './error-handler.ts';
import { mount } from './mount.ts';
import { openApiDocument } from './open-api.ts';
import { Reply } from './reply.ts';
import { traceRequests } from './request-tracing.ts';
import { route, type Route } from './route.ts';
import { listen, type ApiServer } from './server.ts';

/** Routes whose bodies are no JSON, as files and streams are. */

const bytes = z.string().meta({ format: 'binary' });
const common = { tag: 'health', summary: 'Test', errors: [] } as const;

const ROUTES: readonly Route[] = [
  route({
    ...common,
    id: 'shout',
    method: 'post',
    paths: ['/shout'],
    input: z.object({ query: z.object({ after: z.string().optional() }) }),
    streamedBody: { mediaTypes: ['text/*', 'multipart/form-data'], schema: bytes },
    success: { status: 200, description: 'Loud', schema: bytes, mediaType: 'text/plain' },
    alternatives: [
      { status: 200, description: 'Counted', schema: z.object({ length: z.int() }) },
      {
        status: 206,
        description: 'A part',
        schema: bytes,
        mediaType: 'text/plain',
        headers: z.object({ 'Content-Range': z.string() }),
      },
    ],
    handle: async ({ query }, _context, request) => {
      const body = await text(request);
      if (query.after === 'refuse') throw new TypeError('before the first byte');
      if (query.after === 'count') return { length: body.length };
      return new Reply(async (response) => {
        response.writeHead(200, { 'content-type': 'text/plain' });
        if (query.after === 'break') {
          response.write('half');
          throw new TypeError('in the middle');
        }
        await pipeline([body.toUpperCase()], response);
      });
    },
  }),
  route({
    ...common,
    id: 'change',
    method: 'patch',
    paths: ['/shout'],
    input: z.object({ body: z.object({ n: z.int() }) }),
    success: { status: 200, description: 'Changed', schema: z.object({ n: z.int() }) },
    handle: ({ body }) => Promise.resolve(body),
  }),
];

let server: ApiServer;
let url: string;
beforeAll(async () => {
  const app = express();
  const router = Router();
  mount(router, ROUTES, 1_024);
  const tracing = {
    logger: new FakeLogger(),
    clock: new FakeClock(),
    anonymous: anonymousIn('default'),
    closing: new AbortController().signal,
  };
  app.use(traceRequests(tracing), router, answerErrors);
  server = await listen(app, { host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${String(server.port)}/shout`;
});
afterAll(() => server.close(0));

const post = (query: string, type = 'text/plain', body = 'x'.repeat(5_000)): Promise<Response> =>
  fetch(url + query, { method: 'POST', body, headers: { 'content-type': type } });

test('a handler reads a body of any size by itself and answers bytes', async () => {
  const answer = await post('');
  expect(answer.headers.get('content-type')).toBe('text/plain');
  expect(answer.headers.get('x-process-time')).toBe('0.000');
  expect(await answer.text()).toBe('X'.repeat(5_000));
});

test('the same handler may answer JSON', async () => {
  expect(await (await post('?after=count')).json()).toEqual({ length: 5_000 });
});

test('another type of body is refused', async () => {
  const answer = await post('', 'application/json', '{}');
  expect(answer.status).toBe(415);
});

test('what fails before the first byte is an error, what fails later cuts the connection', async () => {
  const refused = await post('?after=refuse');
  expect(refused.status).toBe(500);
  expect(await refused.json()).toMatchObject({ code: 'Internal' });
  const broken = await post('?after=break');
  await expect(broken.text()).rejects.toThrow();
});

test('PATCH is a method like the others', async () => {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'PATCH', body: '{"n":1}', headers });
  expect(await answer.json()).toEqual({ n: 1 });
  expect((await fetch(url)).headers.get('allow')).toBe('POST, PATCH, OPTIONS');
});

test('the document names every media type of a body and of an answer', () => {
  const document = openApiDocument(ROUTES, { version: '1.2.3', authenticates: false });
  const operation = document.paths?.['/shout']?.post;
  expect(operation?.requestBody).toMatchObject({
    content: { 'text/*': {}, 'multipart/form-data': {} },
  });
  expect(operation?.responses).toMatchObject({
    200: {
      description: 'Loud. Or: Counted',
      content: { 'text/plain': {}, 'application/json': {} },
    },
    206: { headers: { 'Content-Range': {} } },
    415: {},
  });
});
