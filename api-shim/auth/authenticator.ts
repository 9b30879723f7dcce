import { createHash, timingSafeEqual } from 'node:crypto';
import type { Callers } from './callers.ts';
import type { Principal } from './principal.ts';
import type { TokenUser } from './token-review.ts';

/** Finds out who presents a key or a token; undefined: nobody who may call. */
export type Authenticate = (secret: string, signal: AbortSignal) => Promise<Principal | undefined>;

export interface AuthenticatorOptions {
  readonly callers: () => Callers;
  /** Absent: Kubernetes tokens are not accepted. */
  readonly userOf?: (token: string, signal: AbortSignal) => Promise<TokenUser | undefined>;
}

/** Keys first, which need nobody else; then Kubernetes, if a line of the callers names a user or a group. */
export function createAuthenticator({ callers, userOf }: AuthenticatorOptions): Authenticate {
  return async (secret, signal) => {
    const { keys, tokens } = callers();
    const byKey = holderOf(keys, secret);
    if (byKey !== undefined || userOf === undefined || tokens.length === 0) return byKey;
    const user = await userOf(secret, signal);
    return user === undefined ? undefined : principalOf(tokens, user);
  };
}

/** Compares with every key, each in constant time, so that how long it takes tells nothing. */
function holderOf(keys: Callers['keys'], secret: string): Principal | undefined {
  const presented = createHash('sha256').update(secret).digest();
  let holder: Principal | undefined;
  for (const { hash, principal } of keys) {
    if (timingSafeEqual(hash, presented)) holder = principal;
  }
  return holder;
}

/** A line for the user itself wins over those for its groups, of which the first counts. */
function principalOf(
  tokens: Callers['tokens'],
  { username, groups }: TokenUser,
): Principal | undefined {
  const own = tokens.find(({ match }) => 'user' in match && match.user === username);
  const ofGroup = tokens.find(({ match }) => 'group' in match && groups.includes(match.group));
  return (own ?? ofGroup)?.as(username);
}
