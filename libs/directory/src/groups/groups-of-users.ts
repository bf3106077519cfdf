import { sqlText } from '@sever/scim';

/** A group as its members see it. */
export type GroupOfUser = { value: string; display: string; type: 'direct' };

/** By index: a look-up where there is none. */
const groupsSql = (more: string): string => `(select jsonb_agg(
    jsonb_build_object('value', g.id, 'display', g.attributes ->> 'displayName', 'type', 'direct'${more}) order by m.position)
  from scim_group_member m join scim_group g on g.connection = m.connection and g.id = m.group_id and g.deleted_at is null
  where m.connection = scim_resource.connection and m.value = scim_resource.id::text)`;

/** The groups of a row of `scim_resource`, as its read-only attribute `groups`. */
export const GROUPS_SQL = groupsSql('');

/** The same with the `$ref` that clients see. @param base address of the connection's resources */
export const groupsWithRefSql = (base: string): string =>
  groupsSql(`, '$ref', ${sqlText(`${base}/Groups/`)} || g.id`);
