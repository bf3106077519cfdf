/**
 * ACLs of a server, read from the catalogues themselves, so that nothing that merely comes through a group is listed. `object` is
 * what stands after ON, quoted and qualified, ready for GRANT and REVOKE; `col` is a column, quoted, or null.
 */
const LOCAL = `
    select 'SCHEMA ' || quote_ident(nspname) as object, null::text as col, nspacl as acl, nspowner as owner
      from pg_namespace where nspname !~ '^pg_(toast|temp)'
    union all select case relkind when 'S' then 'SEQUENCE ' else 'TABLE ' end || c.oid::regclass::text, null, relacl, relowner
                from pg_class c where relkind in ('r', 'v', 'm', 'f', 'p', 'S') and relpersistence <> 't'
    union all select 'TABLE ' || a.attrelid::regclass::text, quote_ident(a.attname), attacl, relowner
                from pg_attribute a join pg_class c on c.oid = a.attrelid
               where attacl is not null and not attisdropped and relpersistence <> 't'
    union all select 'ROUTINE ' || p.oid::regprocedure::text, null, proacl, proowner from pg_proc p where proacl is not null
    union all select 'TYPE ' || t.oid::regtype::text, null, typacl, typowner from pg_type t where typacl is not null
    union all select 'LANGUAGE ' || quote_ident(lanname), null, lanacl, lanowner from pg_language
    union all select 'FOREIGN SERVER ' || quote_ident(srvname), null, srvacl, srvowner from pg_foreign_server
    union all select 'FOREIGN DATA WRAPPER ' || quote_ident(fdwname), null, fdwacl, fdwowner from pg_foreign_data_wrapper
    union all select 'LARGE OBJECT ' || oid, null, lomacl, lomowner from pg_largeobject_metadata`;

/** Objects of the whole server: seen from every database, and changed from one. */
const SHARED = `
    union all select 'DATABASE ' || quote_ident(datname), null, datacl, datdba from pg_database
    union all select 'TABLESPACE ' || quote_ident(spcname), null, spcacl, spcowner from pg_tablespace`;

/** Rights on settings came with PostgreSQL 15; they belong to the first superuser. */
const PARAMETERS = `
    union all select 'PARAMETER ' || parname, null, paracl, 10::oid from pg_parameter_acl`;

const acls = (shared: boolean, version: number): string =>
  `with acls as (${LOCAL}${shared ? SHARED : ''}${shared && version >= 150_000 ? PARAMETERS : ''})`;

const COLUMNS = `object, x.privilege_type || coalesce(' (' || col || ')', '') as privilege, x.is_grantable as grantable,
    case when x.grantor = owner then null else pg_get_userbyid(x.grantor) end as grantor`;

/** Grants to a role on what it does not own. */
export const grantsTo = (shared: boolean, version: number): string =>
  `${acls(shared, version)} select ${COLUMNS} from acls cross join lateral aclexplode(acl) x
    where x.grantee = $1::oid and owner <> $1::oid order by 1, 2, 4`;

/** Grants that a role made to others on what it does not own: they end with its right to grant. */
export const grantsBy = (shared: boolean, version: number): string =>
  `${acls(shared, version)} select ${COLUMNS}, case x.grantee when 0 then null else pg_get_userbyid(x.grantee) end as grantee
     from acls cross join lateral aclexplode(acl) x
    where x.grantor = $1::oid and owner <> $1::oid and x.grantee <> $1::oid order by 1, 2, 5`;

/** Grants that a role will have on objects which others make in future. */
export const DEFAULT_GRANTS = `
  select pg_get_userbyid(defaclrole) as creator, nspname as schema,
         case defaclobjtype when 'r' then 'TABLES' when 'S' then 'SEQUENCES' when 'f' then 'ROUTINES' when 'T' then 'TYPES'
                            when 'n' then 'SCHEMAS' when 'L' then 'LARGE OBJECTS' end as objects,
         x.privilege_type as privilege, x.is_grantable as grantable
    from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace cross join lateral aclexplode(defaclacl) x
   where x.grantee = $1::oid and defaclrole <> $1::oid order by 1, 2, 3, 4`;

const MEMBERSHIP_COLUMNS = `pg_get_userbyid(roleid) as role, admin_option as admin,
    coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, true) as inherit,
    coalesce((to_jsonb(m) ->> 'set_option')::boolean, true) as "set", pg_get_userbyid(grantor) as grantor`;

export const MEMBERSHIPS_OF = `select ${MEMBERSHIP_COLUMNS} from pg_auth_members m where member = $1::oid order by 1, 5`;
export const MEMBERSHIPS_BY = `select ${MEMBERSHIP_COLUMNS}, pg_get_userbyid(member) as member
    from pg_auth_members m where grantor = $1::oid and member <> $1::oid order by 1, 6`;
