import { STATUS_CODES } from 'node:http';
import { ApiError, errorBody, ERRORS } from './errors.ts';

test.each(Object.entries(ERRORS))(
  '%s has a status and says what to do',
  (_code, { status, hint }) => {
    expect(STATUS_CODES[status]).toBeDefined();
    expect(hint).toMatch(/^[A-Z].{15,}\.$/);
  },
);

test('the body keeps the fields of the reference and adds those of ours', () => {
  const error = new ApiError('SessionNotFound', 'Session not found: x');
  expect(errorBody(error, 'r1')).toEqual({
    error: 'Not Found',
    message: 'Session not found: x',
    detail: 'Session not found: x',
    code: 'SessionNotFound',
    hint: expect.any(String),
    request_id: 'r1',
  });
});

test('a cause stays inside', () => {
  const error = new ApiError('Internal', 'An unexpected error occurred', {
    cause: new Error('secret'),
  });
  expect(JSON.stringify(errorBody(error, 'r1'))).not.toContain('secret');
  expect(error.cause).toBeInstanceOf(Error);
});
