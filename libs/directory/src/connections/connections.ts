import { isUniqueViolation, oneRow, type Queryable } from '@sever/postgres';
import { DIALECT_NAMES, isDialectName } from '@sever/scim';
import { DirectoryError } from '../directory-error.js';
import type { Connection } from './connection.js';
import { addConnectionToken } from './connection-tokens.js';

const ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

export async function ensureTenant(on: Queryable, tenant: string): Promise<void> {
  if (!ID.test(tenant))
    throw new DirectoryError(
      'connection.invalid',
      'a tenant id has 1 to 63 lower-case letters, digits and hyphens',
    );
  await on.query('insert into tenant (id) values ($1) on conflict do nothing', [tenant]);
}

export type NewConnection = { id: string; tenant: string; dialect: string; rateLimit?: number | null };

/**
 * Makes a connection that nothing opens yet.
 * @throws DirectoryError `connection.exists`, `connection.invalid`, `dialect.unknown`
 */
export async function addConnection(on: Queryable, c: NewConnection): Promise<Connection> {
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
  try {
    await on.query('insert into connection (id, tenant, dialect, rate_limit) values ($1, $2, $3, $4)', [
      c.id,
      c.tenant,
      c.dialect,
      c.rateLimit ?? null,
    ]);
  } catch (error) {
    if (isUniqueViolation(error))
      throw new DirectoryError('connection.exists', `a connection ${c.id} exists; choose another id`);
    throw error;
  }
  return { id: c.id, tenant: c.tenant, dialect: c.dialect, rateLimit: c.rateLimit ?? null };
}

/**
 * Makes a connection with a fresh token, which is shown here and never again.
 * @throws DirectoryError `connection.exists`, `connection.invalid`, `dialect.unknown`
 */
export async function createConnection(
  on: Queryable,
  c: NewConnection & { token?: string; expiresInSeconds?: number | null },
): Promise<{ connection: Connection; token: string }> {
  const connection = await addConnection(on, c);
  const { token } = await addConnectionToken(on, c.id, {
    ...(c.token !== undefined && { token: c.token }),
    expiresInSeconds: c.expiresInSeconds ?? null,
  });
  return { connection, token };
}

/**
 * Locks a connection that is in use until the transaction ends.
 * @throws DirectoryError `connection.unknown`, `connection.retired`
 */
export async function lockConnection(on: Queryable, id: string): Promise<{ id: string; tenant: string }> {
  const row = await oneRow<{ id: string; tenant: string; retired: boolean }>(
    on,
    'select id, tenant, retired_at is not null as retired from connection where id = $1 for update',
    [id],
  );
  if (!row) throw unknownConnection(id);
  if (row.retired)
    throw new DirectoryError('connection.retired', `connection ${id} is retired; make another one`);
  return { id: row.id, tenant: row.tenant };
}

export const unknownConnection = (id: string): DirectoryError =>
  new DirectoryError('connection.unknown', `there is no connection ${id.slice(0, 80)}`);
