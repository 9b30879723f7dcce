import { createHash } from 'node:crypto';
import type { KubeClient } from '../../kube/client.ts';
import type { Clock } from '../../kube/clock.ts';
import type { KubeObject, ResourceType } from '../../kube/objects.ts';
import { TokenBucket } from '../../kube/token-bucket.ts';
import { ApiError } from '../errors.ts';

/** Who a Kubernetes token is of. */
export interface TokenUser {
  readonly username: string;
  readonly groups: readonly string[];
}

interface TokenReview extends KubeObject {
  readonly spec: { readonly token: string; readonly audiences?: readonly string[] };
  readonly status?: {
    readonly authenticated?: boolean;
    readonly user?: { readonly username?: string; readonly groups?: readonly string[] };
    readonly audiences?: readonly string[];
  };
}

const TOKEN_REVIEWS: ResourceType<TokenReview> = {
  group: 'authentication.k8s.io',
  version: 'v1',
  plural: 'tokenreviews',
  kind: 'TokenReview',
};

export interface TokenReviewerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** What a token must be meant for, so that one meant for another service is worth nothing here. */
  readonly audience: string;
}

/** A token that was revoked is accepted for at most this long. */
const KEPT_MS = 30_000;
const KEPT_COUNT = 1_000;
const LONGEST_TOKEN = 16_384;
/** What strangers may make the API server do. */
const REVIEWS = { perSecond: 20, burst: 50 };

interface Known {
  readonly user: TokenUser | undefined;
  readonly until: number;
}

/** Asks the API server whose a token is, and remembers the answer for a short time under the token's hash. */
export class TokenReviewer {
  readonly #options: TokenReviewerOptions;
  readonly #known = new Map<string, Known>();
  readonly #reviews: TokenBucket;

  constructor(options: TokenReviewerOptions) {
    this.#options = options;
    this.#reviews = new TokenBucket(REVIEWS, options.clock.monotonic());
  }

  /** Undefined for a token that is nobody's. Throws TooManyRequests or what the client throws. */
  async userOf(token: string, signal?: AbortSignal): Promise<TokenUser | undefined> {
    if (!looksLikeToken(token)) return undefined;
    const now = this.#options.clock.monotonic();
    const hash = createHash('sha256').update(token).digest('base64');
    const known = this.#known.get(hash);
    if (known !== undefined && known.until > now) return known.user;
    if (!this.#reviews.tryTake(now)) throw tooManyReviews();
    const user = await this.#review(token, signal);
    this.#remember(hash, { user, until: now + KEPT_MS });
    return user;
  }

  async #review(token: string, signal?: AbortSignal): Promise<TokenUser | undefined> {
    const { client, audience } = this.#options;
    const draft = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: TOKEN_REVIEWS.kind,
      metadata: {},
      spec: { token, audiences: [audience] },
    };
    const { status = {} } = await client.create(TOKEN_REVIEWS, draft, signal);
    return userIn(status, audience);
  }

  #remember(hash: string, known: Known): void {
    this.#known.delete(hash);
    this.#known.set(hash, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > KEPT_COUNT && oldest !== undefined) this.#known.delete(oldest);
  }
}

/** An API server that knows nothing of audiences leaves them out of its answer, and then has not checked them. */
function userIn(
  { authenticated, audiences = [], user }: NonNullable<TokenReview['status']>,
  audience: string,
): TokenUser | undefined {
  const isForUs = authenticated === true && audiences.includes(audience);
  if (!isForUs || user?.username === undefined) return undefined;
  return { username: user.username, groups: user.groups ?? [] };
}

/** Signed tokens have three parts; whatever else arrives here is a mistyped key, which the API server must not see. */
function looksLikeToken(token: string): boolean {
  return token.length <= LONGEST_TOKEN && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(token);
}

function tooManyReviews(): ApiError {
  return new ApiError('TooManyRequests', 'Too many unknown tokens at once', {
    headers: { 'Retry-After': '1' },
  });
}
