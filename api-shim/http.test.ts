import { Validator } from '@seriousme/openapi-schema-validator';
import { RestApi } from '../test/fakes/rest-api.ts';
import {
  ConflictError,
  ForbiddenError,
  InvalidError,
  KubeError,
  TooManyRequestsError,
  UnavailableError,
} from '../kube/errors.ts';

let api: RestApi;
beforeAll(async () => {
  api = await RestApi.start();
});
afterAll(() => api.stop());
afterEach(() => {
  api.cluster.failWith(undefined);
});

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('case 6: every answer has a request id and a time', () => {
  test.each([
    ['GET', '/health', 200],
    ['GET', '/sessions/unknown', 404],
    ['POST', '/sessions', 422],
    ['PATCH', '/health', 405],
    ['GET', '//nowhere', 404],
    ['GET', '//docs', 200],
    ['GET', '//docs/swagger-ui.css', 200],
    ['GET', '//openapi.json', 200],
    ['OPTIONS', '/health', 204],
  ])('%s %s', async (method, path, expected) => {
    const first = await api.client.send(method, path);
    const second = await api.client.send(method, path);
    expect(first.status).toBe(expected);
    expect(first.headers.get('x-request-id')).toMatch(UUID);
    expect(first.headers.get('x-process-time')).toMatch(/^\d+\.\d{3}$/);
    expect(second.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'));
  });
});

test('case 7: an unknown path is 404, a wrong verb 405 with the right ones', async () => {
  const unknown = await api.client.get('//api/v1/nothing/here');
  expect(unknown.status).toBe(404);
  expect(unknown.body).toMatchObject({
    error: 'Not Found',
    detail: 'Not Found',
    code: 'RouteNotFound',
  });
  const wrong = await api.client.send('PUT', '/sessions/x');
  expect(wrong.status).toBe(405);
  expect(wrong.headers.get('allow')).toBe('GET, PATCH, DELETE, HEAD, OPTIONS');
  expect(wrong.body).toMatchObject({ error: 'Method Not Allowed', code: 'MethodNotAllowed' });
});

describe('case 8: documentation', () => {
  test('the document is valid OpenAPI 3.1', async () => {
    const { status, body } = await api.client.get('//openapi.json');
    expect(status).toBe(200);
    expect(body['openapi']).toBe('3.1.0');
    expect(await new Validator().validate(structuredClone(body))).toMatchObject({ valid: true });
  });

  test('the page loads nothing from elsewhere and needs no inline script', async () => {
    const { text, headers } = await api.client.get('//docs');
    expect(text).not.toMatch(/https?:\/\//);
    expect(text).not.toMatch(/<script>/);
    expect(headers.get('content-security-policy')).toContain("script-src 'self';");
    for (const [, asset] of text.matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect((await api.client.get(`/${String(asset)}`)).status).toBe(200);
    }
  });

  test('only the files that the page needs are served', async () => {
    expect((await api.client.get('//docs/package.json')).status).toBe(404);
    expect((await api.client.get('//docs/..%2fpackage.json')).status).toBe(404);
  });
});

describe('case 178: the request id of a client', () => {
  test('is echoed, stands in error bodies, in every log line and on what it created', async () => {
    const headers = { 'X-Request-ID': 'trace-42.a:b' };
    const { headers: answered, body } = await api.client.get('/sessions/unknown', { headers });
    expect(answered.get('x-request-id')).toBe('trace-42.a:b');
    expect(body['request_id']).toBe('trace-42.a:b');
    const { body: session } = await api.client.post(
      '/sessions',
      { template_id: 'python-basic' },
      { headers },
    );
    expect(api.sandbox(session['id']).metadata.annotations).toMatchObject({
      'sandbox.ai/request-id': 'trace-42.a:b',
    });
    const logged = api.logger.lines.filter(({ fields }) => fields['requestId'] === 'trace-42.a:b');
    expect(logged.map(({ fields }) => fields['path']).filter(Boolean)).toEqual([
      '/api/v1/sessions/unknown',
      '/api/v1/sessions',
    ]);
  });

  test.each([['x'.repeat(129)], ['a b'], ['{"a":1}'], ['-x'], ['a\tb']])(
    'is replaced if it is not fit to be repeated: %s',
    async (id) => {
      const { headers } = await api.client.get('/health', { headers: { 'X-Request-ID': id } });
      expect(headers.get('x-request-id')).toMatch(UUID);
    },
  );
});

describe('a body that cannot be read', () => {
  test('case 26: broken JSON is 422 and creates nothing', async () => {
    const { status, body } = await api.client.send('POST', '/sessions', {
      raw: '{"template_id": ',
    });
    expect(status).toBe(422);
    expect(body).toMatchObject({
      code: 'MalformedJson',
      detail: [{ type: 'json_invalid', loc: ['body'] }],
    });
  });

  test.each([['"text"'], ['[]'], ['null'], ['7']])(
    'JSON that is no object is 422: %s',
    async (raw) => {
      const { status, body } = await api.client.send('POST', '/sessions', { raw });
      expect({ status, code: body['code'] }).toEqual({ status: 422, code: 'InvalidRequest' });
    },
  );

  test('a missing body is 422', async () => {
    const { status, body } = await api.client.post('/sessions');
    expect({ status, code: body['code'] }).toEqual({ status: 422, code: 'InvalidRequest' });
  });

  test('another type than JSON is 415, so that a form of another site cannot send it', async () => {
    const headers = { 'Content-Type': 'text/plain' };
    const { status, body } = await api.client.send('POST', '/sessions', {
      raw: '{"template_id":"python-basic"}',
      headers,
    });
    expect({ status, code: body['code'] }).toEqual({ status: 415, code: 'UnsupportedMediaType' });
  });

  test.each(['latin1', 'utf-16le'])('another charset than UTF-8 is 415: %s', async (charset) => {
    const headers = { 'Content-Type': `application/json; charset=${charset}` };
    const { status } = await api.client.send('POST', '/sessions', { raw: '{}', headers });
    expect(status).toBe(415);
  });

  test('more than the limit is 413', async () => {
    const { status, body } = await api.client.send('POST', '/sessions', {
      raw: `"${'x'.repeat(2 * 2 ** 20)}"`,
    });
    expect({ status, code: body['code'] }).toEqual({ status: 413, code: 'BodyTooLarge' });
  });

  test('more values than any valid body has is 413, also where nobody asked for them', async () => {
    const raw = `{"template_id":"python-basic","more":[${'[],'.repeat(400_000)}0]}`;
    const { status, body } = await api.client.send('POST', '/sessions', { raw });
    expect({ status, code: body['code'] }).toEqual({ status: 413, code: 'BodyTooLarge' });
  });

  test('of very many fields that are wrong the first fifty are told', async () => {
    const dependencies = Array.from({ length: 50 }, () => ({ name: '-', version: 1 }));
    const body = { template_id: 'python-basic', dependencies };
    const { status, body: answer } = await api.client.post('/sessions', body);
    expect(status).toBe(422);
    expect(answer['detail']).toHaveLength(50);
  });

  test('more variables than there may be are not looked at one by one', async () => {
    const wrong = Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`${String(n)}x`, 0]));
    const body = { template_id: 'python-basic', env_vars: wrong };
    const answer = await api.client.post('/sessions', body);
    expect(answer.body['detail']).toEqual([
      expect.objectContaining({ msg: 'must have at most 64 variables' }),
    ]);
  });
});

test('a malformed escape in the path is 400', async () => {
  const { status, body } = await api.client.get('/sessions/%zz');
  expect({ status, code: body['code'] }).toEqual({ status: 400, code: 'MalformedUrl' });
});

describe('no internal text reaches a client', () => {
  const SECRET = 'etcd at 10.0.0.7 said no';
  const status = { code: 0, reason: 'X', message: SECRET };
  test.each([
    [new UnavailableError(status, { retryAfterMs: 2_500 }), 503, 'Unavailable'],
    [new TooManyRequestsError(status), 503, 'Unavailable'],
    [new ForbiddenError(status), 403, 'RefusedByCluster'],
    [new InvalidError(status), 422, 'InvalidForCluster'],
    [new ConflictError(status), 409, 'Conflict'],
    [new KubeError(status), 500, 'Internal'],
    [new TypeError(SECRET), 500, 'Internal'],
  ])('%p', async (failure, expected, code) => {
    const id = await api.runningSession();
    api.cluster.failWith(failure);
    const answer = await api.client.post(`/sessions/${id}/execute`, {
      code: 'x',
      language: 'python',
    });
    expect({ status: answer.status, code: answer.body['code'] }).toEqual({
      status: expected,
      code,
    });
    expect(answer.text).not.toContain('etcd');
    expect(Object.keys(answer.body)).toEqual([
      'error',
      'message',
      'detail',
      'code',
      'hint',
      'request_id',
    ]);
  });

  test('but it is in the log, under the id that the client was told', async () => {
    api.cluster.failWith(new UnavailableError(status, { retryAfterMs: 2_500 }));
    const { body, headers } = await api.client.get('/sessions/unknown-here');
    expect(headers.get('retry-after')).toBe('3');
    const line = api.logger.lines.find(
      ({ level, fields }) => level === 'error' && fields['requestId'] === body['request_id'],
    );
    expect(line?.fields['error']).toMatchObject({ message: SECRET });
  });
});

describe('pages of other sites', () => {
  test('may read nothing by default', async () => {
    const { headers } = await api.client.get('/health', {
      headers: { Origin: 'https://evil.example' },
    });
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });

  test('may change nothing by default', async () => {
    const id = await api.runningSession();
    const { status } = await api.client.send('POST', `/sessions/${id}/terminate`, {
      headers: { Origin: 'https://evil.example' },
    });
    expect(status).toBe(403);
    expect(api.sandbox(id).spec.desiredState).toBe('Running');
  });

  test('of this very host may', async () => {
    const headers = { Origin: `http://127.0.0.1:${String(api.port)}` };
    const { status } = await api.client.post(
      '/sessions',
      { template_id: 'python-basic' },
      { headers },
    );
    expect(status).toBe(201);
  });

  test('may where they were named', async () => {
    const open = await RestApi.start({ corsOrigins: ['https://console.example'] });
    const headers = { Origin: 'https://console.example' };
    const { status, headers: answered } = await open.client.post(
      '/sessions',
      { template_id: 'python-basic' },
      { headers },
    );
    expect({ status, origin: answered.get('access-control-allow-origin') }).toEqual({
      status: 201,
      origin: 'https://console.example',
    });
    const other = await open.client.get('/health', { headers: { Origin: 'https://evil.example' } });
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
    await open.stop();
  });
});

test('answers carry headers that keep browsers from guessing, framing and caching', async () => {
  const { headers } = await api.client.get('/health');
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('content-security-policy')).toBe("default-src 'none';frame-ancestors 'none'");
  expect(headers.get('cache-control')).toBe('no-store');
  expect(headers.get('x-powered-by')).toBeNull();
});
