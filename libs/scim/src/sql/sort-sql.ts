import { leafOf } from '../filter/filter-ast.js';
import type { AttributePath } from '../schema/attribute-path.js';
import type { Attribute } from '../schema/attribute.js';
import type { Sort } from '../sort/sort-resources.js';
import type { SqlColumn, SqlStore } from './sql-store.js';
import { Aliases, columnOf, comparableSql, foldedSql, valuesOf, type SqlRoot } from './sql-values.js';

/**
 * An `order by` term that orders rows as {@link sortResources} orders their resources. Rows without a value come last, in
 * descending order first. The caller adds a term that makes the order total.
 */
export function sortSql(sort: Sort, store: SqlStore): string {
  return `${sortKeySql(sort.path, store)} ${directionSql(sort.isDescending)}`;
}

/** The value by which rows are ordered, NULL for none. */
export const sortKeySql = (path: AttributePath, store: SqlStore): string =>
  keySql(path, { kind: 'row', store });

/** What rows are ordered by: an expression, NULL for none, and its type, so that its text can be compared with it again. */
export type SortKey = { sql: string; type: 'text' | 'timestamptz' | 'boolean' | 'numeric' };

export const sortKeyOf = (path: AttributePath, store: SqlStore): SortKey => ({
  sql: sortKeySql(path, store),
  type: sortKeyType(path, store),
});

/** The key of rows that cannot have a value, beside others of the same type. */
export const noSortKey = (type: SortKey['type']): SortKey => ({
  sql: `(null::${type}${type === 'text' ? ' collate "C"' : ''})`,
  type,
});

/** An order by a key, in one direction: rows without a value come last, in descending order first. */
export const directionSql = (isDescending: boolean): string =>
  isDescending ? 'desc nulls first' : 'asc nulls last';

function sortKeyType(path: AttributePath, store: SqlStore): SortKey['type'] {
  const column = columnOf({ kind: 'row', store }, path);
  if (column?.kind === 'timestamp') return 'timestamptz';
  if (column?.kind === 'boolean') return 'boolean';
  if (column?.kind === 'text' || column?.kind === 'uuid') return 'text';
  const { type } = leafOf(path);
  if (type === 'boolean') return type;
  return type === 'integer' || type === 'decimal' ? 'numeric' : 'text';
}

function keySql(path: AttributePath, root: SqlRoot): string {
  const leaf = leafOf(path);
  const column = columnOf(root, path);
  const byColumn = column && columnKey(column, leaf);
  if (byColumn) return byColumn;
  const aliases = new Aliases();
  const { from, value } = valuesOf(root, path, leaf, aliases);
  const key = comparableSql(leaf, value);
  if (from === undefined) return `(${key})`;
  // The first row source holds the elements in their order; its alias is the first one given out.
  const numbered = from.replace(' as v1(e)', ' with ordinality as v1(e, position)');
  const isSecondary = `(v1.e -> 'primary') is distinct from 'true'::jsonb`;
  return `(select ${key} from ${numbered} where (${key}) is not null order by ${isSecondary}, v1.position limit 1)`;
}

function columnKey(column: SqlColumn, leaf: Attribute): string | undefined {
  switch (column.kind) {
    case 'text':
      return column.isFolded
        ? `(nullif(${column.sql}, '') collate "C")`
        : `(${foldedSql(leaf, `nullif(${column.sql}, '')`)})`;
    case 'uuid':
      return `(${column.sql}::text collate "C")`;
    case 'timestamp':
      return `date_trunc('milliseconds', ${column.sql})`;
    case 'boolean':
      return column.sql;
    case 'texts':
    case 'json':
      return undefined;
  }
}
