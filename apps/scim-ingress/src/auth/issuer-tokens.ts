import { trustedIssuer, type Connection, type TrustedIssuer } from '@sever/directory';
import { createLocalJWKSet, decodeJwt, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { DataSource } from 'typeorm';
import type { RemoteKeys } from './remote-keys.js';

/** Clocks of issuers may differ by this much. */
const CLOCK_TOLERANCE_SECONDS = 60;

/** A connection as a verified JWT opened it; `expiresAt` in milliseconds since 1970. */
export type Verified = { connection: Connection; expiresAt: number };

/** Whether a bearer token has the form of a JWT; tokens that Sever makes have no dots. */
export const looksLikeJwt = (token: string): boolean => /^ey[\w-]+\.[\w-]+\.[\w-]*$/.test(token);

/** JWTs of issuers that a connection trusts. */
export class IssuerTokens {
  constructor(
    private readonly dataSource: DataSource,
    private readonly keys: RemoteKeys,
  ) {}

  /**
   * The connection, when it trusts the issuer of the token and the token says everything it must. What needs no key is compared
   * first: a token with other claims costs no key look-up and is answered like one of an unknown issuer.
   */
  async open(connection: string, token: string): Promise<Verified | undefined> {
    const claimed = payloadOf(token);
    const found = await trustedIssuer(this.dataSource, connection, claimed?.iss ?? '');
    if (!claimed || !found || !saysWhatItMust(claimed, found.trust)) return undefined;
    const payload = await this.verify(token, found.trust);
    return payload && { connection: found.connection, expiresAt: (payload.exp ?? 0) * 1_000 };
  }

  private async verify(token: string, trust: TrustedIssuer): Promise<JWTPayload | undefined> {
    try {
      const { payload } = await jwtVerify(token, this.keysOf(trust), {
        issuer: trust.issuer,
        audience: trust.audiences,
        algorithms: trust.algorithms,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        requiredClaims: ['exp'],
      });
      return saysWhatItMust(payload, trust) ? payload : undefined;
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }

  private keysOf(trust: TrustedIssuer): JWTVerifyGetKey {
    if (trust.jwksUrl !== null) return this.keys.at(trust.jwksUrl);
    return createLocalJWKSet({ keys: trust.jwks?.keys ?? [] });
  }
}

function payloadOf(token: string): JWTPayload | undefined {
  try {
    return decodeJwt(token);
  } catch {
    return undefined;
  }
}

function saysWhatItMust(payload: JWTPayload, trust: TrustedIssuer): boolean {
  const audiences = [payload.aud ?? []].flat();
  return (
    payload.iss === trust.issuer &&
    audiences.some(audience => trust.audiences.includes(audience)) &&
    Object.keys(trust.claims).length > 0 &&
    Object.entries(trust.claims).every(
      ([name, value]) => Object.hasOwn(payload, name) && payload[name] === value,
    )
  );
}
