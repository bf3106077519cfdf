import { connectionOfToken, noteTokenUse, type Connection, type TokenOwner } from '@sever/directory';
import { Injectable } from '@nestjs/common';
import { IngressContext } from '../ingress-context.js';
import { IssuerTokens, looksLikeJwt, type Verified } from './issuer-tokens.js';
import { RemoteKeys } from './remote-keys.js';
import { TokenCache } from './token-cache.js';

/** Which connection a bearer token opens: a token that Sever gave out, or the JWT of an issuer that the connection trusts. */
@Injectable()
export class ConnectionAuth {
  private readonly given: TokenCache<TokenOwner>;
  private readonly foreign: TokenCache<Verified>;

  constructor(private readonly context: IngressContext) {
    const issuers = new IssuerTokens(context.dataSource, new RemoteKeys());
    this.given = new TokenCache(
      token => connectionOfToken(context.dataSource, token),
      owner => owner.expiresAt?.getTime() ?? Infinity,
    );
    this.foreign = new TokenCache(
      key => issuers.open(key.slice(0, key.indexOf('\n')), key.slice(key.indexOf('\n') + 1)),
      verified => verified.expiresAt,
    );
  }

  /**
   * The connection, if the token opens it. Whatever is wrong (an unknown token, one of another connection, an unknown
   * connection), it is found out by the same one look into the database.
   */
  async open(connection: string, token: string): Promise<Connection | undefined> {
    if (looksLikeJwt(token)) return (await this.foreign.owner(`${connection}\n${token}`))?.connection;
    const owner = await this.given.owner(token);
    if (owner?.connection.id !== connection) return undefined;
    this.noteUse(owner);
    return owner.connection;
  }

  /** In the background: nobody waits for it, and a busy token is noted once in some minutes. */
  private noteUse(owner: TokenOwner): void {
    if (!owner.isUseUnnoted) return;
    owner.isUseUnnoted = false;
    noteTokenUse(this.context.dataSource, owner.token).catch((error: unknown) =>
      this.context.logger.warn({ err: error }, 'the last use of a token was not noted'),
    );
  }
}
