import { isUniqueViolation, oneRow, type Queryable } from '@sever/postgres';
import { DIALECT_NAMES, isDialectName, type DialectName } from '@sever/scim';
import { DirectoryError } from '../directory-error.js';
import { newToken, tokenHash } from './tokens.js';

/** One identity provider's tie to a tenant. `rateLimit` in requests per second, null for none. */
export type Connection = { id: string; tenant: string; dialect: DialectName; rateLimit: number | null };

type ConnectionRow = { id: string; tenant: string; dialect: string; rate_limit: number | null };

const ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

export async function ensureTenant(on: Queryable, tenant: string): Promise<void> {
  if (!ID.test(tenant))
    throw new DirectoryError(
      'connection.invalid',
      'a tenant id has 1 to 63 lower-case letters, digits and hyphens',
    );
  await on.query('insert into tenant (id) values ($1) on conflict do nothing', [tenant]);
}

/**
 * Makes a connection with a fresh token, which is shown here and never again.
 * @throws DirectoryError `connection.exists`, `connection.invalid`, `dialect.unknown`
 */
export async function createConnection(
  on: Queryable,
  c: { id: string; tenant: string; dialect: string; rateLimit?: number | null; token?: string },
): Promise<{ connection: Connection; token: string }> {
  if (!ID.test(c.id))
    throw new DirectoryError(
      'connection.invalid',
      'a connection id has 1 to 63 lower-case letters, digits and hyphens',
    );
  if (!isDialectName(c.dialect))
    throw new DirectoryError(
      'dialect.unknown',
      `there is no dialect ${c.dialect}; use one of ${DIALECT_NAMES.join(', ')}`,
    );
  await ensureTenant(on, c.tenant);
  const token = c.token ?? newToken(c.id);
  try {
    await on.query(
      'insert into connection (id, tenant, dialect, rate_limit, token_hash) values ($1, $2, $3, $4, $5)',
      [c.id, c.tenant, c.dialect, c.rateLimit ?? null, tokenHash(token)],
    );
  } catch (error) {
    if (isUniqueViolation(error))
      throw new DirectoryError('connection.exists', `a connection ${c.id} exists; choose another id`);
    throw error;
  }
  return {
    connection: { id: c.id, tenant: c.tenant, dialect: c.dialect, rateLimit: c.rateLimit ?? null },
    token,
  };
}

/** The connection to which a token belongs, unless it is retired. */
export async function connectionOfToken(on: Queryable, token: string): Promise<Connection | undefined> {
  const row = await oneRow<ConnectionRow>(
    on,
    'select id, tenant, dialect, rate_limit from connection where token_hash = $1 and retired_at is null',
    [tokenHash(token)],
  );
  if (!row || !isDialectName(row.dialect)) return undefined;
  return { id: row.id, tenant: row.tenant, dialect: row.dialect, rateLimit: row.rate_limit };
}

/** Registers an API token of a principal (an opaque id, not a person's name). */
export async function addApiToken(on: Queryable, token: string, principal: string): Promise<void> {
  await on.query('insert into api_token (token_hash, principal) values ($1, $2) on conflict do nothing', [
    tokenHash(token),
    principal,
  ]);
}

/** Makes `token` the only API token of a principal: one that was replaced opens nothing any more. */
export async function replaceApiToken(on: Queryable, token: string, principal: string): Promise<void> {
  await on.query('delete from api_token where principal = $1 and token_hash <> $2', [
    principal,
    tokenHash(token),
  ]);
  await addApiToken(on, token, principal);
}

export async function principalOfToken(on: Queryable, token: string): Promise<string | undefined> {
  const row = await oneRow<{ principal: string }>(
    on,
    'select principal from api_token where token_hash = $1',
    [tokenHash(token)],
  );
  return row?.principal;
}
