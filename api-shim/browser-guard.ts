import cors from 'cors';
import type { RequestHandler } from 'express';
import helmet from 'helmet';
import { ApiError } from './errors.ts';

/** What keeps web pages that a user happens to visit from using an API that runs code and, on a laptop, asks nobody for a key. */

/** Nothing that is answered here is a page, may be framed, or is of use to other origins; /docs loosens it for itself. */
export function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] },
    },
    // TLS ends in front of this process, and a laptop has none.
    strictTransportSecurity: false,
    xXssProtection: false,
  });
}

/** A name that is made to resolve to 127.0.0.1 lets a page read answers as if they were its own (DNS rebinding). */
export function allowHosts(hosts: readonly string[] | 'any'): RequestHandler {
  const allowed = new Set(hosts);
  return (request, _response, next) => {
    if (hosts !== 'any' && !allowed.has(hostnameOf(request.get('host') ?? ''))) {
      throw new ApiError('UnknownHost', 'This host name is not served');
    }
    next();
  };
}

/** A form or a no-cors fetch needs no permission to send; so whatever changes something must come from here or from an allowed origin. */
export function refuseForeignOrigins(origins: readonly string[]): RequestHandler {
  const allowed = new Set(origins);
  return (request, _response, next) => {
    const origin = request.get('origin');
    const reads =
      request.method === 'GET' || request.method === 'HEAD' || request.method === 'OPTIONS';
    if (
      !reads &&
      origin !== undefined &&
      !allowed.has(origin) &&
      hostOf(origin) !== request.get('host')
    ) {
      throw new ApiError('ForeignOrigin', 'Requests of this origin are not allowed');
    }
    next();
  };
}

/** Off unless origins are named; the reference allowed every origin with credentials. */
export function allowOrigins(origins: readonly string[]): RequestHandler[] {
  if (origins.length === 0) return [];
  return [
    cors({
      origin: [...origins],
      exposedHeaders: [
        'X-Request-ID',
        'X-Process-Time',
        'Retry-After',
        'RateLimit',
        'RateLimit-Policy',
        'WWW-Authenticate',
      ],
      maxAge: 600,
    }),
  ];
}

function hostnameOf(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
