import type { RequestHandler, Response } from 'express';
import type { Clock } from '../../kube/clock.ts';
import { ApiError } from '../errors.ts';
import type { ApiLocals } from '../request-tracing.ts';
import type { Route } from '../route.ts';
import type { Authenticate } from './authenticator.ts';
import type { Principal } from './principal.ts';
import { RateLimits, type Allowance } from './rate-limits.ts';

type AuthHandler = RequestHandler<object, unknown, unknown, unknown, ApiLocals>;

/** Lets nobody pass but those who are known, except to the open endpoints; also paths that do not exist are not for strangers. */
export function authenticateRequests(
  authenticate: Authenticate,
  routes: readonly Route[],
): AuthHandler {
  const open = new Set(
    routes.filter(({ access }) => access === 'open').flatMap(({ paths }) => paths),
  );
  return async (request, response, next) => {
    const secret = secretOf(request.get('authorization'), request.get('x-api-key'));
    if (secret === undefined) {
      if (!open.has(request.path)) throw unauthenticated('Bearer realm="sandbox"');
      next();
      return;
    }
    const principal = await authenticate(secret, response.locals.context.signal);
    if (principal === undefined)
      throw unauthenticated('Bearer realm="sandbox", error="invalid_token"');
    remember(response, principal);
    next();
  };
}

/** A scheme other than Bearer counts as a wrong secret, not as none. */
function secretOf(authorization = '', apiKey = ''): string | undefined {
  const secret = authorization === '' ? apiKey : authorization.replace(/^Bearer +/i, '').trim();
  return secret === '' ? undefined : secret;
}

function remember({ locals }: Response<unknown, ApiLocals>, principal: Principal): void {
  const { context } = locals;
  const logger = context.logger.child({ principal: principal.name });
  locals.context = { ...context, principal, logger };
}

function unauthenticated(challenge: string): ApiError {
  return new ApiError('Unauthenticated', 'No valid key or token was given', {
    headers: { 'WWW-Authenticate': challenge },
  });
}

/** Refuses a caller that asks more often than it may; the headers of draft-ietf-httpapi-ratelimit-headers tell how it stands. */
export function limitRequests(clock: Clock): AuthHandler {
  const limits = new RateLimits();
  return (_request, response, next) => {
    const { context } = response.locals;
    const { principal } = context;
    const allowance = limits.take(principal, clock.monotonic());
    if (allowance !== undefined) {
      response.set(headersOf(allowance));
      if (!allowance.allowed) throw tooMany(allowance);
    }
    const charge = (requests: number): void => {
      const left = limits.charge(principal, requests, clock.monotonic());
      if (left !== undefined) response.set(headersOf(left));
    };
    response.locals.context = { ...context, charge };
    next();
  };
}

function headersOf({ limit, remaining, resetSeconds }: Allowance): Record<string, string> {
  const { perSecond, burst } = limit;
  const window = Math.max(1, Math.ceil(burst / perSecond));
  return {
    'RateLimit-Policy': `"requests";q=${String(burst)};w=${String(window)}`,
    RateLimit: `"requests";r=${String(remaining)};t=${String(resetSeconds)}`,
  };
}

function tooMany({ resetSeconds }: Allowance): ApiError {
  return new ApiError('TooManyRequests', 'This caller sends more requests than it may', {
    headers: { 'Retry-After': String(resetSeconds) },
  });
}
