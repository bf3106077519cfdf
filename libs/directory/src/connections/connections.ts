import { isUniqueViolation, oneRow, type Queryable } from '@sever/postgres';
import { DIALECT_NAMES, isDialectName } from '@sever/scim';
import { DirectoryError } from '../directory-error.js';
import { isRegistryId } from '../registry/registry-id.js';
import { ensureTenant, requireTenant } from '../registry/tenants.js';
import type { Connection } from './connection.js';
import { addConnectionToken } from './connection-tokens.js';

export type NewConnection = { id: string; tenant: string; dialect: string; rateLimit?: number | null };

/**
 * Makes a connection that nothing opens yet.
 * @throws DirectoryError `connection.exists`, `connection.invalid`, `dialect.unknown`
 */
export async function addConnection(on: Queryable, c: NewConnection): Promise<Connection> {
  if (!isRegistryId(c.id))
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

/** @throws DirectoryError `tenant.unknown`; `connection.unknown`, too when it is another tenant's */
export async function requireConnectionOf(on: Queryable, tenant: string, id: string): Promise<void> {
  await requireTenant(on, tenant);
  const row = await oneRow(on, 'select 1 as one from connection where id = $1 and tenant = $2', [id, tenant]);
  if (!row)
    throw new DirectoryError('connection.unknown', `tenant ${tenant} has no connection ${id.slice(0, 80)}`);
}

export const unknownConnection = (id: string): DirectoryError =>
  new DirectoryError('connection.unknown', `there is no connection ${id.slice(0, 80)}`);
