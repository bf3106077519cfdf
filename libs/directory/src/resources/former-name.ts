import { migration, oneRow, type Queryable } from '@sever/postgres';

/**
 * The user name that a user had before the last rename. Providers rename whom they switch off (Microsoft Entra writes the object id before the name to
 * free it), while the systems still know the person by the name of before.
 */
export const formerNameMigration = migration(1_790_000_003_990, 'FormerName', [
  `alter table scim_resource add column former_name text, add column renamed_at timestamptz`,
  `create index scim_resource_by_former_name on scim_resource (tenant, former_name) where former_name is not null`,
]);

/** Given up longer ago, a name may be somebody else's in a system, and a cut would hit them. */
const SEARCHED_FOR = `interval '30 days'`;

/** SQL of the name that a row of `scim_resource` had before: null when it was given up long ago, or another active user of the tenant has it. */
export const formerNameSql = (row: string): string =>
  `case when ${row}.renamed_at > clock_timestamp() - ${SEARCHED_FOR}
          and not exists (select 1 from scim_resource other where other.tenant = ${row}.tenant and other.user_name_norm = ${row}.former_name
                           and other.subject <> ${row}.subject and other.deleted_at is null and other.active)
     then ${row}.former_name end`;

/** By what else the systems may know somebody who is cut off. */
export async function formerNameOf(
  on: Queryable,
  { connection, id }: { connection: string; id: string },
): Promise<string | undefined> {
  const row = await oneRow<{ name: string | null }>(
    on,
    `select ${formerNameSql('r')} as name from scim_resource r where r.connection = $1 and r.id = $2`,
    [connection, id],
  );
  return row?.name ?? undefined;
}

/** SQL of all names of a subject `p` by which an account that is about to be deleted may have been found. */
export const namesOfSubjectSql = `(select p.user_name_norm as name union
  select own.former_name from scim_resource own where own.subject = p.id and own.former_name is not null
    and own.renamed_at > clock_timestamp() - interval '90 days')`;
