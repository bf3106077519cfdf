import type { Queryable } from '@sever/postgres';
import { SqlParameters, filterSql, type Filter, type SqlStore } from '@sever/scim';
import { groupsWithRefSql } from '../groups/groups-of-users.js';
import { queryPage, type ListQuery, type Part } from './query-page.js';
import { RESOURCE_COLUMNS, type StoredResource } from './scim-resource-store.js';

/**
 * How the attributes of a user stand in `scim_resource`.
 * @param base address of the connection's resources
 * @param more what only the caller can say (`meta.location`)
 */
export const userStore = (base: string, more: SqlStore['columns']): SqlStore => ({
  document: 'attributes',
  columns: {
    id: { kind: 'uuid', sql: 'id' },
    userName: { kind: 'text', sql: 'user_name_norm', isFolded: true },
    externalId: { kind: 'text', sql: 'external_id' },
    displayName: { kind: 'text', sql: 'display_name_norm', isFolded: true },
    'emails.value': { kind: 'texts', sql: 'email_values' },
    active: { kind: 'boolean', sql: 'active' },
    groups: { kind: 'json', sql: groupsWithRefSql(base) },
    'meta.created': { kind: 'timestamp', sql: 'created_at' },
    'meta.lastModified': { kind: 'timestamp', sql: 'modified_at' },
    ...more,
  },
});

/** A part of the live resources of a connection that satisfy a filter. Without a sort: by age. */
export function queryResources(
  on: Queryable,
  connection: string,
  { filter, sort, window }: ListQuery,
  store: SqlStore,
): Promise<Part<StoredResource>> {
  const parameters = new SqlParameters([connection]);
  const from = usersFrom(filter, store, parameters);
  return queryPage(on, { columns: RESOURCE_COLUMNS, from, parameters, store }, sort, window);
}

/** The live users that satisfy a filter, of the connection that is the first parameter. */
export function usersFrom(filter: Filter | undefined, store: SqlStore, parameters: SqlParameters): string {
  const condition = filter ? `and (${filterSql(filter, store, parameters)})` : '';
  return `from scim_resource where connection = $1 and deleted_at is null ${condition}`;
}
