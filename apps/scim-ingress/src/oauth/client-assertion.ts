import { rememberAssertion, type OAuthClient } from '@sever/directory';
import { createLocalJWKSet, decodeJwt, errors, jwtVerify, type JWTVerifyGetKey } from 'jose';
import type { DataSource } from 'typeorm';
import type { RemoteKeys } from '../auth/remote-keys.js';
import { SIGNATURE_ALGORITHMS } from './signature-algorithms.js';

/** Longest life of an assertion, in seconds: as long its id is remembered. */
const LIFE_SECONDS_MAX = 600;
const CLOCK_TOLERANCE_SECONDS = 30;

/** Whom an assertion claims to come from; believed only after {@link AssertionCheck.holds}. */
export function assertionClient(assertion: string): string | undefined {
  try {
    const { iss, sub } = decodeJwt(assertion);
    return iss === sub ? sub : undefined;
  } catch {
    return undefined;
  }
}

/** `private_key_jwt`: a JWT that a client signed with a key of its own (RFC 7523 §3). */
export class AssertionCheck {
  constructor(
    private readonly dataSource: DataSource,
    private readonly keys: RemoteKeys,
    /** What an assertion may name as its audience: the token endpoint or the issuer. */
    private readonly audiences: string[],
  ) {}

  /** Whether the assertion is the client's, meant for this endpoint, fresh, and seen for the first time. */
  async holds(client: OAuthClient, assertion: string): Promise<boolean> {
    try {
      const { payload } = await jwtVerify(assertion, this.keysOf(client), {
        issuer: client.id,
        subject: client.id,
        audience: this.audiences,
        algorithms: [...SIGNATURE_ALGORITHMS],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        requiredClaims: ['exp', 'jti'],
      });
      const exp = payload.exp ?? 0;
      if (typeof payload.jti !== 'string' || exp > Date.now() / 1_000 + LIFE_SECONDS_MAX) return false;
      const rememberedUntil = new Date((exp + CLOCK_TOLERANCE_SECONDS) * 1_000);
      return await rememberAssertion(this.dataSource, client.id, payload.jti, rememberedUntil);
    } catch (error) {
      if (error instanceof errors.JOSEError) return false;
      throw error;
    }
  }

  private keysOf(client: OAuthClient): JWTVerifyGetKey {
    if (client.jwksUrl !== null) return this.keys.at(client.jwksUrl);
    return createLocalJWKSet({ keys: client.jwks?.keys ?? [] });
  }
}
