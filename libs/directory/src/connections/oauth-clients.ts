import { randomBytes } from 'node:crypto';
import { changed, oneRow, type Queryable } from '@sever/postgres';
import { DirectoryError } from '../directory-error.js';
import { newToken, tokenHash } from '../registry/secrets.js';

/** How a client proves itself at the token endpoint: a shared secret, or keys whose private part only it has. */
export type ClientKeys = { jwks: { keys: object[] } } | { jwksUrl: string };

export type OAuthClient = {
  id: string;
  connection: string;
  secretHash: Buffer | null;
  jwks: { keys: object[] } | null;
  jwksUrl: string | null;
};

/** How long an access token is valid, in seconds. */
export const ACCESS_TOKEN_SECONDS = 3_600;

/**
 * Registers a client of a connection. Without keys it gets a secret, which is shown here and never again.
 */
export async function addOAuthClient(
  on: Queryable,
  connection: string,
  keys?: ClientKeys,
): Promise<{ clientId: string; clientSecret: string | null }> {
  const clientId = `${connection}.${randomBytes(9).toString('base64url')}`;
  const clientSecret = keys ? null : newToken('client');
  await on.query(
    'insert into oauth_client (id, connection, secret_hash, jwks, jwks_url) values ($1, $2, $3, $4, $5)',
    [
      clientId,
      connection,
      clientSecret === null ? null : tokenHash(clientSecret),
      keys && 'jwks' in keys ? JSON.stringify(keys.jwks) : null,
      keys && 'jwksUrl' in keys ? keys.jwksUrl : null,
    ],
  );
  return { clientId, clientSecret };
}

/** A client that may ask for tokens: neither it nor its connection has ended. */
export const findOAuthClient = (on: Queryable, id: string): Promise<OAuthClient | undefined> =>
  oneRow<OAuthClient>(
    on,
    `select o.id, o.connection, o.secret_hash as "secretHash", o.jwks, o.jwks_url as "jwksUrl"
       from oauth_client o join connection c on c.id = o.connection
      where o.id = $1 and o.revoked_at is null and c.retired_at is null`,
    [id],
  );

/**
 * Gives a client an access token and removes those of it that have expired.
 * @returns nothing when the client ended meanwhile
 */
export async function issueAccessToken(on: Queryable, client: string): Promise<string | undefined> {
  const token = newToken('access');
  const row = await oneRow(
    on,
    `with known as (
       update oauth_client o set last_used_at = clock_timestamp() from connection c
        where o.id = $1 and o.revoked_at is null and c.id = o.connection and c.retired_at is null returning o.id, o.connection),
     swept as (
       delete from connection_token t using known where t.client = known.id and t.expires_at < clock_timestamp())
     insert into connection_token (connection, token_hash, client, expires_at)
     select connection, $2, id, clock_timestamp() + make_interval(secs => ${ACCESS_TOKEN_SECONDS}) from known returning id`,
    [client, tokenHash(token)],
  );
  return row && token;
}

/**
 * Remembers the id of a client's assertion until it has expired.
 * @returns false when it was seen before: somebody plays it again
 */
export async function rememberAssertion(
  on: Queryable,
  client: string,
  id: string,
  expiresAt: Date,
): Promise<boolean> {
  await on.query('delete from oauth_assertion where client = $1 and expires_at < clock_timestamp()', [
    client,
  ]);
  const row = await oneRow(
    on,
    `insert into oauth_assertion (client, id_hash, expires_at) values ($1, $2, $3) on conflict do nothing returning client`,
    [client, tokenHash(id), expiresAt],
  );
  return row !== undefined;
}

/**
 * Ends a client of a connection and the access tokens it has.
 * @throws DirectoryError `oauth-client.unknown`
 */
export async function revokeOAuthClient(on: Queryable, connection: string, client: string): Promise<void> {
  const ended = await changed(
    on,
    `update oauth_client set revoked_at = clock_timestamp() where id = $1 and connection = $2 and revoked_at is null`,
    [client, connection],
  );
  if (ended === 0)
    throw new DirectoryError('oauth-client.unknown', `connection ${connection} has no such client`);
  await on.query('delete from connection_token where client = $1', [client]);
}

export async function revokeOAuthClients(on: Queryable, connection: string): Promise<void> {
  await on.query(
    'update oauth_client set revoked_at = clock_timestamp() where connection = $1 and revoked_at is null',
    [connection],
  );
  await on.query('delete from connection_token where connection = $1 and client is not null', [connection]);
}
