import type { Queryable } from '@sever/postgres';
import { SqlParameters, filterSql, sqlText, type Filter, type SqlStore } from '@sever/scim';
import { queryPage, type ListQuery, type Part } from '../resources/query-page.js';
import { GROUP_COLUMNS, type StoredGroup } from './group-store.js';

/** The members as clients see them. */
const membersSql = (base: string): string => `(select jsonb_agg(
    jsonb_build_object('value', m.value) || m.data || case when m.kind is null then '{}'::jsonb else jsonb_build_object('type', m.kind, '$ref', ${sqlText(`${base}/`)} || m.kind || 's/' || m.value) end
    order by m.position)
  from scim_group_member m where m.connection = scim_group.connection and m.group_id = scim_group.id)`;

/**
 * How the attributes of a group stand in `scim_group`.
 * @param base address of the connection's resources
 * @param more what only the caller can say (`meta.location`)
 */
export const groupStore = (base: string, more: SqlStore['columns']): SqlStore => ({
  document: 'attributes',
  columns: {
    id: { kind: 'uuid', sql: 'id' },
    displayName: { kind: 'text', sql: 'display_name_norm', isFolded: true },
    externalId: { kind: 'text', sql: 'external_id' },
    members: { kind: 'json', sql: membersSql(base) },
    'meta.created': { kind: 'timestamp', sql: 'created_at' },
    'meta.lastModified': { kind: 'timestamp', sql: 'modified_at' },
    ...more,
  },
});

/** A part of the groups of a connection that satisfy a filter, without their members. Without a sort: by age. */
export function queryGroups(
  on: Queryable,
  connection: string,
  { filter, sort, window }: ListQuery,
  store: SqlStore,
): Promise<Part<StoredGroup>> {
  const parameters = new SqlParameters([connection]);
  const from = groupsFrom(filter, store, parameters);
  return queryPage(on, { columns: GROUP_COLUMNS, from, parameters, store }, sort, window);
}

/** The live groups that satisfy a filter, of the connection that is the first parameter. */
export function groupsFrom(filter: Filter | undefined, store: SqlStore, parameters: SqlParameters): string {
  const condition = filter ? `and (${conditionSql(filter, store, parameters)})` : '';
  return `from scim_group where connection = $1 and deleted_at is null ${condition}`;
}

/** As `filterSql`, but who is in a group is asked of the index of members, not of all members of every group. */
function conditionSql(filter: Filter, store: SqlStore, parameters: SqlParameters): string {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return `(${conditionSql(filter.left, store, parameters)} ${filter.kind} ${conditionSql(filter.right, store, parameters)})`;
    case 'not':
      return `((${conditionSql(filter.filter, store, parameters)}) is not true)`;
    case 'present':
    case 'element':
    case 'compare':
      return memberSql(filter, parameters) ?? filterSql(filter, store, parameters);
  }
}

/** `members eq "x"`, `members.value eq "x"` and `members[value eq "x"]`. */
function memberSql(filter: Filter, parameters: SqlParameters): string | undefined {
  const value = memberNamed(filter);
  if (value === undefined) return undefined;
  return `id in (select m.group_id from scim_group_member m where m.connection = $1 and m.value = ${parameters.bind(value)})`;
}

function memberNamed(filter: Filter): string | undefined {
  if (filter.kind === 'element' && filter.path.attribute.name === 'members')
    return filter.filter.kind === 'compare' && filter.filter.path.attribute.name === 'value'
      ? equalTo(filter.filter)
      : undefined;
  if (filter.kind !== 'compare' || filter.path.attribute.name !== 'members') return undefined;
  return (filter.path.sub?.name ?? 'value') === 'value' ? equalTo(filter) : undefined;
}

const equalTo = (filter: Extract<Filter, { kind: 'compare' }>): string | undefined =>
  filter.operator === 'eq' && typeof filter.value === 'string' && filter.value !== ''
    ? filter.value
    : undefined;
