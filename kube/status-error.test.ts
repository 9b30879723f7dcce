import {
  AlreadyExistsError,
  ConflictError,
  ForbiddenError,
  GoneError,
  InvalidError,
  KubeError,
  NotFoundError,
  TooManyRequestsError,
  UnavailableError,
} from './errors.ts';
import { errorFromAnswer, errorFromConnection, errorFromWatch } from './status-error.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const answer = (status: number, body: unknown, retryAfter?: string) =>
  errorFromAnswer({
    status,
    body: typeof body === 'string' ? body : JSON.stringify(body),
    retryAfter,
    request: 'GET /api/v1/pods',
    now: NOW,
  });

test.each([
  [400, 'BadRequest', InvalidError, false],
  [401, 'Unauthorized', ForbiddenError, false],
  [403, 'Forbidden', ForbiddenError, false],
  [404, 'NotFound', NotFoundError, false],
  [405, 'MethodNotAllowed', KubeError, false],
  [409, 'AlreadyExists', AlreadyExistsError, false],
  [409, 'Conflict', ConflictError, false],
  [410, 'Expired', GoneError, false],
  [422, 'Invalid', InvalidError, false],
  [429, 'TooManyRequests', TooManyRequestsError, true],
  [500, 'InternalError', UnavailableError, true],
  [501, 'NotImplemented', UnavailableError, false],
  [503, 'ServiceUnavailable', UnavailableError, true],
  [504, 'Timeout', UnavailableError, true],
])('%i %s becomes the typed error', (code, reason, type, retryable) => {
  const error = answer(code, { kind: 'Status', code, reason, message: 'as the server said' });
  expect(error.constructor).toBe(type);
  expect(error).toMatchObject({ code: reason, message: 'as the server said', retryable });
});

test('details keep what a caller needs to say which field was wrong', () => {
  const details = {
    name: 'a',
    kind: 'Pod',
    causes: [{ field: 'spec.image', message: 'required' }],
  };
  expect(answer(422, { reason: 'Invalid', message: 'm', details }).status.details).toEqual(details);
});

test.each([
  ['the header in seconds', answer(429, {}, '3'), 3_000],
  ['the header as a date', answer(503, {}, 'Thu, 01 Jan 2026 00:00:09 GMT'), 9_000],
  ['a date gone by', answer(503, {}, 'Thu, 01 Jan 2025 00:00:00 GMT'), 0],
  ['the details', answer(429, { details: { retryAfterSeconds: 5 } }), 5_000],
  ['the header before the details', answer(429, { details: { retryAfterSeconds: 5 } }, '1'), 1_000],
  ['nobody', answer(429, {}, 'soon'), undefined],
])('when to retry is told by %s', (_name, error, ms) => {
  expect(error.retryAfterMs).toBe(ms);
});

test('a proxy that answers in HTML still makes a useful message', () => {
  const error = answer(502, '<html>Bad Gateway</html>');
  expect(error).toBeInstanceOf(UnavailableError);
  expect(error.message).toBe('GET /api/v1/pods was answered with 502: <html>Bad Gateway</html>');
});

test('an ERROR event of a watch carries its own code', () => {
  const error = errorFromWatch({
    kind: 'Status',
    code: 410,
    reason: 'Expired',
    message: 'too old',
  });
  expect(error).toBeInstanceOf(GoneError);
  expect(errorFromWatch('nonsense')).toBeInstanceOf(UnavailableError);
});

test('a connection refused at several addresses, an error without a message, is named all the same', () => {
  const cause = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' });
  expect(errorFromConnection(cause, 'GET /x').message).toBe('GET /x: ECONNREFUSED');
});

test('a broken connection is unavailable, with its cause', () => {
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  const error = errorFromConnection(cause, 'GET /x');
  expect(error).toMatchObject({
    code: 'ECONNREFUSED',
    cause,
    retryable: true,
    status: { code: 0 },
  });
});
