import { isDialectName, type DialectName } from '@sever/scim';

/** One identity provider's tie to a tenant. `rateLimit` in requests per second, null for none. */
export type Connection = { id: string; tenant: string; dialect: DialectName; rateLimit: number | null };

export type ConnectionRow = { id: string; tenant: string; dialect: string; rate_limit: number | null };

/** Columns of a {@link ConnectionRow} of the table `c`. */
export const CONNECTION_COLUMNS = 'c.id, c.tenant, c.dialect, c.rate_limit';

/** A connection whose dialect this version knows. */
export function connectionOfRow(row: ConnectionRow | undefined): Connection | undefined {
  if (!row || !isDialectName(row.dialect)) return undefined;
  return { id: row.id, tenant: row.tenant, dialect: row.dialect, rateLimit: row.rate_limit };
}
