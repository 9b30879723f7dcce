import { createPublicKey, type KeyObject } from 'node:crypto';
import { SignJWT, jwtVerify } from 'jose';
import type { Clock } from '../kube/clock.ts';
import { TOKEN_ISSUER } from './contract.ts';

const ALGORITHM = 'EdDSA';
const LIFETIME_MS = 300_000;
/** A token is signed anew this long before it ends, so that none ends on its way. */
const RENEWAL_MS = 60_000;
/** How far the clocks of control plane and node may differ. */
const TOLERANCE_SECONDS = 60;
const REMEMBERED_TOKENS = 64;

/** Signs the control plane's tokens, one per pod and lifetime. */
export class TokenSigner {
  readonly #key: KeyObject;
  readonly #clock: Clock;
  readonly #tokens = new Map<
    string,
    { readonly token: Promise<string>; readonly renewAt: number }
  >();

  constructor(privateKey: KeyObject, clock: Clock) {
    this.#key = privateKey;
    this.#clock = clock;
  }

  async tokenFor(podUID: string): Promise<string> {
    const now = this.#clock.now();
    const known = this.#tokens.get(podUID);
    if (known !== undefined && now < known.renewAt) return known.token;
    const token = this.#sign(podUID, now);
    this.#tokens.set(podUID, { token, renewAt: now + LIFETIME_MS - RENEWAL_MS });
    return token;
  }

  forget(podUID: string): void {
    this.#tokens.delete(podUID);
  }

  #sign(podUID: string, now: number): Promise<string> {
    const seconds = Math.floor(now / 1_000);
    return new SignJWT()
      .setProtectedHeader({ alg: ALGORITHM })
      .setIssuer(TOKEN_ISSUER)
      .setAudience(podUID)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + LIFETIME_MS / 1_000)
      .sign(this.#key);
  }
}

/** Checks tokens on the executor's side. One that was good is good until it ends, without another look at its signature. */
export class TokenVerifier {
  readonly #key: KeyObject;
  readonly #audience: string;
  readonly #clock: Clock;
  readonly #goodUntil = new Map<string, number>();

  /** `publicKey`: SPKI in base64. */
  constructor(publicKey: string, audience: string, clock: Clock) {
    this.#key = createPublicKey({
      key: Buffer.from(publicKey, 'base64'),
      format: 'der',
      type: 'spki',
    });
    this.#audience = audience;
    this.#clock = clock;
  }

  async accepts(token: string): Promise<boolean> {
    const until = this.#goodUntil.get(token);
    if (until !== undefined && this.#clock.now() < until) return true;
    this.#goodUntil.delete(token);
    const expiry = await this.#verify(token);
    if (expiry === undefined) return false;
    this.#remember(token, expiry);
    return true;
  }

  async #verify(token: string): Promise<number | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: [ALGORITHM],
        issuer: TOKEN_ISSUER,
        audience: this.#audience,
        requiredClaims: ['exp'],
        currentDate: new Date(this.#clock.now()),
        clockTolerance: TOLERANCE_SECONDS,
      });
      return payload.exp === undefined ? undefined : (payload.exp + TOLERANCE_SECONDS) * 1_000;
    } catch {
      return undefined;
    }
  }

  #remember(token: string, until: number): void {
    const oldest = this.#goodUntil.keys().next();
    if (this.#goodUntil.size >= REMEMBERED_TOKENS && oldest.done !== true)
      this.#goodUntil.delete(oldest.value);
    this.#goodUntil.set(token, until);
  }
}
