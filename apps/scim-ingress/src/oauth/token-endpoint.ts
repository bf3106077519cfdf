import { timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  ACCESS_TOKEN_SECONDS,
  findOAuthClient,
  issueAccessToken,
  tokenHash,
  type OAuthClient,
} from '@sever/directory';
import { RemoteKeys } from '../auth/remote-keys.js';
import { RateLimiter } from '../auth/rate-limiter.js';
import { HttpProblem } from '../http-problem.js';
import { IngressContext } from '../ingress-context.js';
import { AssertionCheck, assertionClient } from './client-assertion.js';
import { OAuthError } from './oauth-error.js';
import { tokenEndpointOf } from './oauth-metadata.js';
import { SCOPE, readTokenRequest, type ClientProof } from './token-request.js';

/** Tokens that one client may ask for per second: a token lives for an hour, so more is a loop. */
const TOKENS_PER_SECOND = 5;
/** Compared with what an unknown client sends, so that it takes the same way. */
const NOBODYS_HASH = Buffer.alloc(32);

export type TokenAnswer = { access_token: string; token_type: 'Bearer'; expires_in: number; scope: string };

/** OAuth 2.0 client credentials (RFC 6749 §4.4) for clients of connections. */
@Injectable()
export class TokenEndpoint {
  private readonly limiter = new RateLimiter();
  private readonly assertions: AssertionCheck;

  constructor(private readonly context: IngressContext) {
    const { publicUrl } = context.policy;
    this.assertions = new AssertionCheck(context.dataSource, new RemoteKeys(), [
      tokenEndpointOf(publicUrl),
      publicUrl,
    ]);
  }

  /** @throws OAuthError, HttpProblem 429 `rate.limited`, 503 `issuer.unreachable` */
  async answer(body: unknown, authorization: string | undefined): Promise<TokenAnswer> {
    const proof = readTokenRequest(body, authorization);
    const refused = new OAuthError(
      'invalid_client',
      'the client is unknown or did not prove itself',
      proof.kind === 'secret' && proof.usedHeader,
    );
    const client = await this.provenClient(proof);
    if (!client) throw refused;
    const wait = this.limiter.take(client.id, TOKENS_PER_SECOND);
    if (wait > 0)
      throw new HttpProblem(429, 'rate.limited', `use a token until it expires; wait ${wait} s`, {
        'retry-after': String(wait),
      });
    const token = await issueAccessToken(this.context.dataSource, client.id);
    if (token === undefined) throw refused;
    return { access_token: token, token_type: 'Bearer', expires_in: ACCESS_TOKEN_SECONDS, scope: SCOPE };
  }

  private async provenClient(proof: ClientProof): Promise<OAuthClient | undefined> {
    const claimed = proof.kind === 'secret' ? proof.clientId : assertionClient(proof.assertion);
    const client = await findOAuthClient(this.context.dataSource, claimed ?? '');
    if (proof.kind === 'secret') {
      const matches = timingSafeEqual(client?.secretHash ?? NOBODYS_HASH, tokenHash(proof.secret));
      return client && matches ? client : undefined;
    }
    if (!client || (proof.clientId !== undefined && proof.clientId !== client.id)) return undefined;
    return (await this.assertions.holds(client, proof.assertion)) ? client : undefined;
  }
}
