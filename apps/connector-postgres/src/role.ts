import type { MatchRule } from '@sever/connector-sdk';
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

const folded = (name: string): string => name.normalize('NFC').toLowerCase();

/**
 * Roles whose name equals a user name without regard to case. Whether the server itself can fold letters beyond ASCII depends on
 * its locale, so names that have any are compared here.
 */
export async function rolesNamed(client: PoolClient, userName: string): Promise<Role[]> {
  if (Buffer.byteLength(userName, 'utf8') > NAME_BYTES_MAX) return [];
  const found = await client.query<Role>(
    `select ${COLUMNS} from pg_roles where lower(rolname) = lower($1) or octet_length(rolname) <> length(rolname)`,
    [userName],
  );
  return found.rows.filter(role => folded(role.name) === folded(userName));
}

/** The role with this oid under its present name. */
export async function roleByOid(client: PoolClient, oid: string): Promise<Role | undefined> {
  const found = await client.query<Role>(`select ${COLUMNS} from pg_roles where oid = $1::oid`, [oid]);
  return found.rows[0];
}

export async function roleExists(client: PoolClient, name: string): Promise<boolean> {
  const found = await client.query('select 1 from pg_roles where rolname = $1', [name]);
  return found.rows.length > 0;
}

/** The one scope that roles have: direct membership of a role that stands for the tenant. */
const SCOPE_KEY = 'memberOf';

/** Which of the roles belong to a tenant's part of the server; undefined when the scope says something that roles do not have. */
export async function rolesInScope(
  client: PoolClient,
  roles: readonly Role[],
  scope: MatchRule['scope'],
): Promise<Role[] | undefined> {
  if (!scope) return [...roles];
  const group = scope[SCOPE_KEY];
  if (group === undefined || Object.keys(scope).length !== 1) return undefined;
  const found = await client.query<{ oid: string }>(
    `select m.member::text as oid from pg_auth_members m join pg_roles g on g.oid = m.roleid
      where g.rolname = $1 and m.member = any($2::oid[])`,
    [group, roles.map(role => role.oid)],
  );
  return roles.filter(role => found.rows.some(row => row.oid === role.oid));
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
