import { generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Clock } from '../kube/clock.ts';
import { TOKEN_ISSUER } from './contract.ts';
import { TokenSigner, TokenVerifier } from './token.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
const keys = generateKeyPairSync('ed25519');
const publicKey = keys.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');

function clockAt(now: number): Clock & { time: number } {
  const clock = {
    time: now,
    now: () => clock.time,
    monotonic: () => clock.time,
    schedule: () => () => undefined,
  };
  return clock;
}

function setUp(): { clock: { time: number }; signer: TokenSigner; verifier: TokenVerifier } {
  const clock = clockAt(START);
  return {
    clock,
    signer: new TokenSigner(keys.privateKey, clock),
    verifier: new TokenVerifier(publicKey, 'pod-1', clock),
  };
}

function signed(
  change: (jwt: SignJWT) => SignJWT,
  key = keys.privateKey,
  alg = 'EdDSA',
): Promise<string> {
  const jwt = new SignJWT()
    .setProtectedHeader({ alg })
    .setIssuer(TOKEN_ISSUER)
    .setAudience('pod-1');
  return change(jwt.setExpirationTime(START / 1_000 + 300)).sign(key);
}

describe('tokens', () => {
  it('are accepted by the pod that they are for', async () => {
    const { signer, verifier } = setUp();
    expect(await verifier.accepts(await signer.tokenFor('pod-1'))).toBe(true);
  });

  it('are refused by every other pod', async () => {
    const { signer, verifier } = setUp();
    expect(await verifier.accepts(await signer.tokenFor('pod-2'))).toBe(false);
  });

  it('are signed once and used again, until a minute before they end', async () => {
    const { clock, signer } = setUp();
    const first = await signer.tokenFor('pod-1');
    clock.time += 239_000;
    expect(await signer.tokenFor('pod-1')).toBe(first);
    clock.time += 1_000;
    expect(await signer.tokenFor('pod-1')).not.toBe(first);
  });

  it('end for good, also when they were good before', async () => {
    const { clock, signer, verifier } = setUp();
    const token = await signer.tokenFor('pod-1');
    expect(await verifier.accepts(token)).toBe(true);
    clock.time += 359_000;
    expect(await verifier.accepts(token)).toBe(true);
    clock.time += 2_000;
    expect(await verifier.accepts(token)).toBe(false);
  });

  it.each<[string, () => Promise<string>]>([
    ['another issuer', () => signed((jwt) => jwt.setIssuer('someone'))],
    ['another key', () => signed((jwt) => jwt, generateKeyPairSync('ed25519').privateKey)],
    [
      'no audience at all',
      () =>
        new SignJWT()
          .setProtectedHeader({ alg: 'EdDSA' })
          .setIssuer(TOKEN_ISSUER)
          .setExpirationTime(START / 1_000 + 300)
          .sign(keys.privateKey),
    ],
    [
      'no end',
      () =>
        new SignJWT()
          .setProtectedHeader({ alg: 'EdDSA' })
          .setIssuer(TOKEN_ISSUER)
          .setAudience('pod-1')
          .sign(keys.privateKey),
    ],
    [
      'no signature',
      () =>
        Promise.resolve(
          `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{"aud":"pod-1"}').toString('base64url')}.`,
        ),
    ],
    ['no form', () => Promise.resolve('nonsense')],
  ])('with %s are refused', async (_, make) => {
    expect(await setUp().verifier.accepts(await make())).toBe(false);
  });

  it('signed with the public key as a shared secret are refused', async () => {
    const secret = Buffer.from(publicKey, 'base64');
    const token = await new SignJWT()
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(TOKEN_ISSUER)
      .setAudience('pod-1')
      .setExpirationTime(START / 1_000 + 300)
      .sign(secret);
    expect(await setUp().verifier.accepts(token)).toBe(false);
  });
});
