import type { RequestHandler, Response } from 'express';
import type { Clock } from '../kube/clock.ts';
import type { Logger } from '../kube/logger.ts';
import type { Principal } from './auth/principal.ts';
import { ClientGoneError, requestIdFrom, type RequestContext } from './request-context.ts';

/** What this application keeps beside a response. */
export interface ApiLocals {
  context: RequestContext;
  /** Sets X-Process-Time; to be called when the headers are about to be sent. */
  elapsed: () => string;
}

export interface TracingOptions {
  readonly logger: Logger;
  readonly clock: Clock;
  /** Who a request comes from as long as nobody found out. */
  readonly anonymous: Principal;
  /** Aborts when the server is about to stop. */
  readonly closing: AbortSignal;
}

/** Gives every request its id, its logger and its signal, and logs it when it is over. */
export function traceRequests({
  logger,
  clock,
  anonymous,
  closing,
}: TracingOptions): RequestHandler<object, unknown, unknown, unknown, ApiLocals> {
  return (request, response, next) => {
    const startedAt = clock.now();
    const requestId = requestIdFrom(request.get('x-request-id'));
    const gone = new AbortController();
    response.locals.context = {
      requestId,
      logger: logger.child({ requestId }),
      signal: gone.signal,
      closing,
      principal: anonymous,
      audited: { action: 'unknown', object: null },
      charge: () => undefined,
    };
    response.locals.elapsed = () => ((clock.now() - startedAt) / 1000).toFixed(3);
    response.set('X-Request-ID', requestId);
    response.once('close', () => {
      const answered = response.writableFinished;
      if (!answered) gone.abort(new ClientGoneError());
      const path = request.originalUrl.split('?', 1)[0]?.slice(0, 512);
      const status = answered ? response.statusCode : 'client gone';
      response.locals.context.logger.info('request', {
        method: request.method,
        path,
        status,
        durationMs: clock.now() - startedAt,
      });
    });
    next();
  };
}

/** Seconds with three decimals, as the reference has it. */
export function elapsedHeader(response: Response<unknown, ApiLocals>): void {
  response.set('X-Process-Time', response.locals.elapsed());
}
