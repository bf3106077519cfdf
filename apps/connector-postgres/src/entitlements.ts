import type { Ctx, SnapshotEntry } from '@sever/connector-sdk';
import type { PoolClient } from 'pg';
import { quoted } from './role.js';
import type { Sessions } from './sessions.js';

/** One thing a role may do because it was granted: a membership, or a privilege on an object of one database. */
export type Entitlement =
  | { kind: 'membership'; role: string; admin: boolean; inherit: boolean; set: boolean; grantor: string }
  | {
      kind: 'privilege';
      database: string;
      object: string;
      privilege: string;
      grantable: boolean;
    };

/**
 * Every direct grant: `object` is what stands after ON, quoted and ready for GRANT and REVOKE. Built from the ACLs themselves,
 * so that nothing that merely comes through a group is listed.
 */
const PRIVILEGES = `
  with acls(object, acl, owner) as (
    select 'DATABASE ' || quote_ident(datname), datacl, datdba from pg_database where datname = current_database()
    union all select 'SCHEMA ' || quote_ident(nspname), nspacl, nspowner from pg_namespace where nspname !~ '^pg_(toast|temp)'
    union all select case relkind when 'S' then 'SEQUENCE ' else 'TABLE ' end || c.oid::regclass::text, relacl, relowner
                from pg_class c where relkind in ('r', 'v', 'm', 'f', 'p', 'S')
    union all select 'ROUTINE ' || p.oid::regprocedure::text, proacl, proowner from pg_proc p
    union all select 'TYPE ' || t.oid::regtype::text, typacl, typowner from pg_type t where typacl is not null
    union all select 'LANGUAGE ' || quote_ident(lanname), lanacl, lanowner from pg_language
    union all select 'FOREIGN SERVER ' || quote_ident(srvname), srvacl, srvowner from pg_foreign_server
    union all select 'FOREIGN DATA WRAPPER ' || quote_ident(fdwname), fdwacl, fdwowner from pg_foreign_data_wrapper
  )
  select object, x.privilege_type as privilege, x.is_grantable as grantable
    from acls cross join lateral aclexplode(acl) x where x.grantee = $1::oid and owner <> $1::oid
   order by 1, 2`;

const COLUMN_PRIVILEGES = `
  select 'TABLE ' || a.attrelid::regclass::text as object, x.privilege_type || ' (' || quote_ident(a.attname) || ')' as privilege,
         x.is_grantable as grantable
    from pg_attribute a cross join lateral aclexplode(a.attacl) x where x.grantee = $1::oid order by 1, 2`;

const MEMBERSHIPS = `
  select pg_get_userbyid(roleid) as role, admin_option as admin, to_jsonb(m) -> 'inherit_option' as inherit, to_jsonb(m) -> 'set_option' as set,
         pg_get_userbyid(grantor) as grantor
    from pg_auth_members m where member = $1::oid order by 1, 5`;

/** Everything a role was granted, in every database. Reading fails as a whole or succeeds as a whole. */
export async function entitlementsOf(sessions: Sessions, oid: string, ctx: Ctx): Promise<Entitlement[]> {
  const memberships = await sessions.in(ctx, async client => {
    const found = await client.query<{
      role: string;
      admin: boolean;
      inherit: boolean | null;
      set: boolean | null;
      grantor: string;
    }>(MEMBERSHIPS, [oid]);
    return found.rows.map((r): Entitlement => ({
      kind: 'membership',
      role: r.role,
      admin: r.admin,
      inherit: r.inherit ?? true,
      set: r.set ?? true,
      grantor: r.grantor,
    }));
  });
  const privileges: Entitlement[] = [];
  for (const database of await sessions.databases(ctx))
    privileges.push(...(await sessions.in(ctx, client => privilegesIn(client, database, oid), database)));
  return [...memberships, ...privileges];
}

async function privilegesIn(client: PoolClient, database: string, oid: string): Promise<Entitlement[]> {
  const entitlements: Entitlement[] = [];
  for (const sql of [PRIVILEGES, COLUMN_PRIVILEGES]) {
    const found = await client.query<{
      object: string;
      privilege: string;
      grantable: boolean;
    }>(sql, [oid]);
    entitlements.push(...found.rows.map((r): Entitlement => ({ kind: 'privilege', database, ...r })));
  }
  return entitlements;
}

/** Takes one entitlement away. */
export function revokeStatement(e: Entitlement, role: string): string {
  if (e.kind === 'membership')
    return `revoke ${quoted(e.role)} from ${quoted(role)} granted by ${quoted(e.grantor)} cascade`;
  return `revoke ${e.privilege} on ${e.object} from ${quoted(role)} cascade`;
}

/** Gives one entitlement back. PostgreSQL 16 and newer know the INHERIT and SET options. */
export function grantStatement(e: Entitlement, role: string, version: number): string {
  if (e.kind === 'privilege')
    return `grant ${e.privilege} on ${e.object} to ${quoted(role)}${e.grantable ? ' with grant option' : ''}`;
  const modern = version >= 160_000;
  const options = modern
    ? ` with admin ${e.admin}, inherit ${e.inherit}, set ${e.set}`
    : e.admin
      ? ' with admin option'
      : '';
  return `grant ${quoted(e.role)} to ${quoted(role)}${options}${modern ? ` granted by ${quoted(e.grantor)}` : ''}`;
}

/** Revoking in older versions has no grantor clause for memberships. */
export const revokeFor = (e: Entitlement, role: string, version: number): string =>
  e.kind === 'membership' && version < 160_000
    ? `revoke ${quoted(e.role)} from ${quoted(role)}`
    : revokeStatement(e, role);

export const toEntry = (e: Entitlement): SnapshotEntry => ({ ...e });

export function fromEntry(entry: SnapshotEntry): Entitlement {
  const text = (name: string): string => String(entry[name]);
  if (entry.kind === 'membership')
    return {
      kind: 'membership',
      role: text('role'),
      admin: entry.admin === true,
      inherit: entry.inherit === true,
      set: entry.set === true,
      grantor: text('grantor'),
    };
  return {
    kind: 'privilege',
    database: text('database'),
    object: text('object'),
    privilege: text('privilege'),
    grantable: entry.grantable === true,
  };
}
