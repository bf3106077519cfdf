import type { Place } from '../page/place.js';
import type { Sort } from '../sort/sort-resources.js';
import type { SqlParameters, SqlStore } from './sql-store.js';
import { sortKeyOf, sortKeySql, type SortKey } from './sort-sql.js';

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
  if (!sort) return youngerSql(place, parameters);
  return behindKeySql(place, sortKeyOf(sort.path, store), sort.isDescending, parameters);
}

/** The same for rows that are ordered by a key. */
export function behindKeySql(
  place: Place,
  key: SortKey,
  isDescending: boolean,
  parameters: SqlParameters,
): string {
  const younger = youngerSql(place, parameters);
  if (place.key === null) {
    const equal = `(${key.sql} is null and ${younger})`;
    return isDescending ? `(${equal} or ${key.sql} is not null)` : equal;
  }
  const bound = `${parameters.bind(place.key)}::${key.type}${key.type === 'text' ? ' collate "C"' : ''}`;
  const equal = `(${key.sql} = ${bound} and ${younger})`;
  return isDescending
    ? `(${key.sql} < ${bound} or ${equal})`
    : `(${key.sql} > ${bound} or ${equal} or ${key.sql} is null)`;
}

const youngerSql = (place: Place, parameters: SqlParameters): string =>
  `(created_at, id) > (${parameters.bind(place.createdAt)}::timestamptz, ${parameters.bind(place.id)}::uuid)`;
