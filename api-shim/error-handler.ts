import type { NextFunction, Request, Response } from 'express';
import { z } from 'zod';
import { ApiError, errorBody } from './errors.ts';
import { logFailure } from './log-failure.ts';
import { toApiError } from './to-api-error.ts';
import { send } from './mount.ts';
import { ClientGoneError } from './request-context.ts';
import type { ApiLocals } from './request-tracing.ts';

/** Answers everything that a handler or Express threw; what it was is in the log, under the request's id. */
// eslint-disable-next-line @typescript-eslint/max-params -- Express knows an error handler by its four parameters.
export function answerErrors(
  thrown: unknown,
  _request: Request,
  response: Response<unknown, ApiLocals>,
  next: NextFunction,
): void {
  if (thrown instanceof ClientGoneError) return;
  const { logger, requestId } = response.locals.context;
  const error = fromExpress(thrown) ?? toApiError(thrown);
  logFailure(logger, { what: 'request', thrown, error });
  // Too late for an answer: Express closes the connection, which is the only sign left.
  if (response.headersSent) {
    next(thrown);
    return;
  }
  response.set(error.options.headers ?? {});
  send(response, error.status, errorBody(error, requestId));
}

/** Errors of Express and body-parser are told apart by `type`; the router's have only a status. */
const httpError = z.object({
  status: z.int(),
  type: z.string().optional(),
  limit: z.number().optional(),
});

function fromExpress(thrown: unknown): ApiError | undefined {
  const { data } = httpError.safeParse(thrown instanceof ApiError ? undefined : thrown);
  if (data === undefined) return undefined;
  switch (data.type) {
    case 'entity.parse.failed':
      return malformedJson(thrown);
    case 'entity.too.large':
      return bodyTooLarge(thrown, data.limit);
    case 'charset.unsupported':
    case 'encoding.unsupported':
      return new ApiError('UnsupportedMediaType', 'The encoding of the body is not supported', {
        cause: thrown,
      });
    case 'request.aborted':
    case 'request.size.invalid':
      return new ApiError('MissingLength', 'The body ended early', { cause: thrown });
    default:
      return data.status === 400
        ? new ApiError('MalformedUrl', 'The URL is malformed', { cause: thrown })
        : undefined;
  }
}

/** Without a limit of bytes it is that of values (mount.ts). */
function bodyTooLarge(cause: unknown, limitBytes: number | undefined): ApiError {
  const message =
    limitBytes === undefined
      ? 'The body holds too many values'
      : `The body is larger than ${String(limitBytes)} bytes`;
  return new ApiError('BodyTooLarge', message, { cause });
}

function malformedJson(cause: unknown): ApiError {
  const msg = 'JSON decode error';
  return new ApiError('MalformedJson', msg, {
    cause,
    detail: [{ type: 'json_invalid', loc: ['body'], msg }],
  });
}
