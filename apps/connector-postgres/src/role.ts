import type { PoolClient } from 'pg';
import type { PostgresSettings } from './config.js';

/** A role of the target as it stands now; its oid is what the connector acts on. */
export type Role = {
  oid: string;
  name: string;
  canLogin: boolean;
  validUntil: string | null;
  isSuper: boolean;
  isReplication: boolean;
  bypassesRls: boolean;
};

const COLUMNS = `oid::text, rolname as name, rolcanlogin as "canLogin", nullif(rolvaliduntil::text, 'infinity') as "validUntil", rolsuper as "isSuper",
  rolreplication as "isReplication", rolbypassrls as "bypassesRls"`;

/** Longest role name in bytes; a longer user name is no role, whatever the server would cut it to. */
const NAME_BYTES_MAX = 63;

/** Roles whose name equals a user name without regard to case. */
export async function rolesNamed(client: PoolClient, userName: string): Promise<Role[]> {
  if (Buffer.byteLength(userName, 'utf8') > NAME_BYTES_MAX) return [];
  const found = await client.query<Role>(`select ${COLUMNS} from pg_roles where lower(rolname) = lower($1)`, [
    userName,
  ]);
  return found.rows;
}

/** The role with this oid under its present name. */
export async function roleByOid(client: PoolClient, oid: string): Promise<Role | undefined> {
  const found = await client.query<Role>(`select ${COLUMNS} from pg_roles where oid = $1::oid`, [oid]);
  return found.rows[0];
}

/** Why a role must never be touched, or undefined. */
export function protectionOf(role: Role, settings: PostgresSettings): string | undefined {
  if (role.isSuper) return 'role.superuser';
  if (role.isReplication) return 'role.replication';
  if (role.bypassesRls) return 'role.bypasses-row-security';
  if (role.name === settings.user) return 'role.own';
  if (role.name === settings.heir) return 'role.heir';
  if (role.name.startsWith('pg_')) return 'role.predefined';
  return settings.protectedRoles.includes(role.name) ? 'settings.protected' : undefined;
}

/** Quotes an identifier for SQL. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
/** Quotes a string for SQL. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
