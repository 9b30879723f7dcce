import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** What everyone may read, as in a real cluster. */
const PUBLIC: ReadonlySet<string> = new Set(['/healthz', '/livez', '/readyz', '/version']);

/** Whether the request shows the token, or shows nothing and asks for what is public. */
export function isAllowed({ headers }: IncomingMessage, path: string, token: string): boolean {
  const { authorization } = headers;
  if (authorization === undefined) return PUBLIC.has(path);
  const given = tokenIn(authorization);
  return given !== undefined && isSame(given, token);
}

/** As a bearer's, or as the password of a URL: see kubeconfigFor. */
function tokenIn(header: string): string | undefined {
  const [scheme, value = ''] = header.split(' ');
  if (scheme === 'Bearer') return value;
  if (scheme !== 'Basic') return undefined;
  const pair = Buffer.from(value, 'base64').toString();
  return pair.slice(pair.indexOf(':') + 1);
}

function isSame(given: string, wanted: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(wanted)];
  return left.length === right.length && timingSafeEqual(left, right);
}
