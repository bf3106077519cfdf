import { oneRow, rows, type Queryable } from '@sever/postgres';
import { SqlParameters, filterSql, sortSql, type Filter, type Sort, type SqlStore } from '@sever/scim';
import { GROUPS_SQL } from '../groups/groups-of-users.js';
import { RESOURCE_COLUMNS, type StoredResource } from './scim-resource-store.js';

export type ResourceQuery = {
  filter: Filter | undefined;
  sort: Sort | undefined;
  /** 0-based. */
  offset: number;
  limit: number;
};

/** How the attributes of a user stand in `scim_resource`; what only the caller can say (`meta.location`) is given in `more`. */
export const userStore = (more: SqlStore['columns']): SqlStore => ({
  document: 'attributes',
  columns: {
    id: { kind: 'uuid', sql: 'id' },
    userName: { kind: 'text', sql: 'user_name_norm', isFolded: true },
    externalId: { kind: 'text', sql: 'external_id' },
    active: { kind: 'boolean', sql: 'active' },
    groups: { kind: 'json', sql: GROUPS_SQL },
    'meta.created': { kind: 'timestamp', sql: 'created_at' },
    'meta.lastModified': { kind: 'timestamp', sql: 'modified_at' },
    ...more,
  },
});

/** A page of the live resources of a connection that satisfy a filter, and how many there are in all. Without a sort: by age. */
export async function queryResources(
  on: Queryable,
  connection: string,
  query: ResourceQuery,
  store: SqlStore,
): Promise<{ total: number; items: StoredResource[] }> {
  const parameters = new SqlParameters([connection]);
  const condition = query.filter ? `and (${filterSql(query.filter, store, parameters)})` : '';
  const from = `from scim_resource where connection = $1 and deleted_at is null ${condition}`;
  const counting = [...parameters.values];
  const count = async (): Promise<number> => {
    const counted = await oneRow<{ total: string }>(on, `select count(*) as total ${from}`, counting);
    return Number(counted?.total ?? 0);
  };
  if (query.limit === 0) return { total: await count(), items: [] };
  const order = query.sort ? `${sortSql(query.sort, store)}, ` : '';
  const page = `order by ${order}created_at, id offset ${parameters.bind(query.offset)} limit ${parameters.bind(query.limit)}`;
  const items = await rows<StoredResource>(
    on,
    `select ${RESOURCE_COLUMNS} ${from} ${page}`,
    parameters.values,
  );
  // A page that is not full is the last one: nothing is left to count.
  const isLast = items.length < query.limit && (items.length > 0 || query.offset === 0);
  return { total: isLast ? query.offset + items.length : await count(), items };
}
