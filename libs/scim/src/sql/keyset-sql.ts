import type { Place } from '../page/place.js';
import type { Sort } from '../sort/sort-resources.js';
import type { SqlParameters, SqlStore } from './sql-store.js';
import { sortKeySql, sortKeyType } from './sort-sql.js';

/** Columns of a row that say where it lies: `"placeCreatedAt"` and `"placeKey"`, as text; with its id they are a {@link Place}. */
export function placeSql(sort: Sort | undefined, store: SqlStore): string {
  const key = sort ? `(${sortKeySql(sort.path, store)})::text` : 'null::text';
  return `created_at::text as "placeCreatedAt", ${key} as "placeKey"`;
}

/**
 * The condition that a row lies behind a place, in the order of `sortSql` and then of age (`created_at, id`). Without a sort it is one
 * range of an index; a page costs the same wherever it lies.
 */
export function keysetSql(
  place: Place,
  sort: Sort | undefined,
  store: SqlStore,
  parameters: SqlParameters,
): string {
  const younger = `(created_at, id) > (${parameters.bind(place.createdAt)}::timestamptz, ${parameters.bind(place.id)}::uuid)`;
  if (!sort) return younger;
  const key = sortKeySql(sort.path, store);
  if (place.key === null) {
    const equal = `(${key} is null and ${younger})`;
    return sort.isDescending ? `(${equal} or ${key} is not null)` : equal;
  }
  const type = sortKeyType(sort.path, store);
  const bound = `${parameters.bind(place.key)}::${type}${type === 'text' ? ' collate "C"' : ''}`;
  const equal = `(${key} = ${bound} and ${younger})`;
  return sort.isDescending
    ? `(${key} < ${bound} or ${equal})`
    : `(${key} > ${bound} or ${equal} or ${key} is null)`;
}
