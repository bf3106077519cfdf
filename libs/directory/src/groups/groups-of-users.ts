/** A group as its members see it. */
export type GroupOfUser = { value: string; display: string; type: 'direct' };

/** The groups of a row of `scim_resource`, as its read-only attribute `groups`: by index, a look-up where there is none. */
export const GROUPS_SQL = `(select jsonb_agg(
    jsonb_build_object('value', g.id, 'display', g.attributes ->> 'displayName', 'type', 'direct') order by m.position)
  from scim_group_member m join scim_group g on g.connection = m.connection and g.id = m.group_id and g.deleted_at is null
  where m.connection = scim_resource.connection and m.value = scim_resource.id::text)`;
