import { oneRow, rows, type Queryable } from '@sever/postgres';
import { newToken, tokenHash } from '../registry/secrets.js';
import { CONNECTION_COLUMNS, connectionOfRow, type Connection, type ConnectionRow } from './connection.js';

/** What a bearer token stands for while it is valid. */
export type TokenOwner = {
  connection: Connection;
  /** Row of the token, for {@link noteTokenUse}. */
  token: string;
  expiresAt: Date | null;
  /** The last use is not noted, or long ago. */
  isUseUnnoted: boolean;
};

/** How exact "last used" is, in seconds: a busy token is written once in this time. */
const LAST_USE_SECONDS = 300;

/** The connection to which a token belongs; nothing when the token is unknown, expired or revoked, or the connection is retired. */
export async function connectionOfToken(on: Queryable, token: string): Promise<TokenOwner | undefined> {
  const row = await oneRow<ConnectionRow & { token: string; expires_at: Date | null; unnoted: boolean }>(
    on,
    `select ${CONNECTION_COLUMNS}, t.id as token, t.expires_at,
            coalesce(t.last_used_at < clock_timestamp() - make_interval(secs => ${LAST_USE_SECONDS}), true) as unnoted
       from connection_token t join connection c on c.id = t.connection
      where t.token_hash = $1 and t.revoked_at is null and (t.expires_at is null or t.expires_at > clock_timestamp())
        and c.retired_at is null`,
    [tokenHash(token)],
  );
  const connection = connectionOfRow(row);
  if (!row || !connection) return undefined;
  return { connection, token: row.token, expiresAt: row.expires_at, isUseUnnoted: row.unnoted };
}

/** Notes that a token is in use, unless somebody did so a short time ago. */
export async function noteTokenUse(on: Queryable, token: string): Promise<void> {
  await on.query(
    `update connection_token set last_used_at = clock_timestamp()
      where id = $1 and coalesce(last_used_at < clock_timestamp() - make_interval(secs => ${LAST_USE_SECONDS}), true)`,
    [token],
  );
}

/** Gives a connection one more token, which is shown here and never again; `id` names it and opens nothing. */
export async function addConnectionToken(
  on: Queryable,
  connection: string,
  o: { token?: string; expiresInSeconds?: number | null } = {},
): Promise<{ id: string; token: string; expiresAt: Date | null }> {
  const token = o.token ?? newToken(connection);
  const row = await oneRow<{ id: string; expires_at: Date | null }>(
    on,
    `insert into connection_token (connection, token_hash, expires_at)
     values ($1, $2, clock_timestamp() + make_interval(secs => $3)) returning id, expires_at`,
    [connection, tokenHash(token), o.expiresInSeconds ?? null],
  );
  return { id: row?.id ?? '', token, expiresAt: row?.expires_at ?? null };
}

/**
 * Lets the tokens that were there live for `overlapSeconds` more (0 ends them at once); one that ends earlier keeps its end.
 * @returns until when the longest-lived of them is valid, null when none was
 */
export async function endTokensAfter(
  on: Queryable,
  connection: string,
  overlapSeconds: number,
): Promise<Date | null> {
  if (overlapSeconds === 0) {
    await revokeTokens(on, connection);
    return null;
  }
  const ended = await rows<{ expires_at: Date }>(
    on,
    `update connection_token set expires_at = least(expires_at, clock_timestamp() + make_interval(secs => $2))
      where connection = $1 and client is null and revoked_at is null and (expires_at is null or expires_at > clock_timestamp())
      returning expires_at`,
    [connection, overlapSeconds],
  );
  // A process of the version before knows no expiry.
  await forgetFormerToken(on, connection);
  return ended.map(row => row.expires_at).reduce<Date | null>((a, b) => (a && a > b ? a : b), null);
}

/** Ends every token a connection was given by hand. */
export async function revokeTokens(on: Queryable, connection: string): Promise<void> {
  await on.query(
    `update connection_token set revoked_at = clock_timestamp() where connection = $1 and client is null and revoked_at is null`,
    [connection],
  );
  await forgetFormerToken(on, connection);
}

async function forgetFormerToken(on: Queryable, connection: string): Promise<void> {
  await on.query('update connection set token_hash = null where id = $1 and token_hash is not null', [
    connection,
  ]);
}
