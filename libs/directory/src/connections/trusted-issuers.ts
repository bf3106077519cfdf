import { changed, oneRow, type Queryable } from '@sever/postgres';
import { DirectoryError } from '../directory-error.js';
import { CONNECTION_COLUMNS, connectionOfRow, type Connection, type ConnectionRow } from './connection.js';

/** Somebody else's token service whose JWTs open a connection, and everything such a JWT must say. */
export type TrustedIssuer = {
  issuer: string;
  /** One of these must be among the token's audiences. */
  audiences: string[];
  /** Claims with exactly these values, for instance `tid` and `appid`; never empty. */
  claims: Record<string, string>;
  /** Signature algorithms, none of them symmetric. */
  algorithms: string[];
  jwks: { keys: object[] } | null;
  jwksUrl: string | null;
};

/** Trusts an issuer, or changes what its tokens must say. */
export async function putTrustedIssuer(on: Queryable, connection: string, i: TrustedIssuer): Promise<void> {
  await on.query(
    `insert into connection_issuer (connection, issuer, audiences, claims, algorithms, jwks, jwks_url) values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (connection, issuer) do update set audiences = excluded.audiences, claims = excluded.claims,
       algorithms = excluded.algorithms, jwks = excluded.jwks, jwks_url = excluded.jwks_url`,
    [
      connection,
      i.issuer,
      i.audiences,
      JSON.stringify(i.claims),
      i.algorithms,
      i.jwks && JSON.stringify(i.jwks),
      i.jwksUrl,
    ],
  );
}

/** @throws DirectoryError `issuer.unknown` */
export async function removeTrustedIssuer(on: Queryable, connection: string, issuer: string): Promise<void> {
  if (
    (await changed(on, 'delete from connection_issuer where connection = $1 and issuer = $2', [
      connection,
      issuer,
    ])) === 0
  )
    throw new DirectoryError('issuer.unknown', `connection ${connection} trusts no such issuer`);
}

/** The connection and what it expects of an issuer's tokens; nothing unless it is in use and trusts that issuer. */
export async function trustedIssuer(
  on: Queryable,
  connection: string,
  issuer: string,
): Promise<{ connection: Connection; trust: TrustedIssuer } | undefined> {
  const row = await oneRow<ConnectionRow & TrustedIssuer>(
    on,
    `select ${CONNECTION_COLUMNS}, i.issuer, i.audiences, i.claims, i.algorithms, i.jwks, i.jwks_url as "jwksUrl"
       from connection_issuer i join connection c on c.id = i.connection
      where i.connection = $1 and i.issuer = $2 and c.retired_at is null`,
    [connection, issuer],
  );
  const found = connectionOfRow(row);
  if (!row || !found) return undefined;
  const { audiences, claims, algorithms, jwks, jwksUrl } = row;
  return { connection: found, trust: { issuer: row.issuer, audiences, claims, algorithms, jwks, jwksUrl } };
}
