import type { CompareOperator, Literal } from '../filter/filter-ast.js';
import { folded } from '../filter/match-filter.js';
import type { Attribute } from '../schema/attribute.js';
import { operatorSql } from './operator-sql.js';
import { foldSql, type SqlColumn, type SqlParameters } from './sql-store.js';

type Comparison = { operator: CompareOperator; value: NonNullable<Literal> };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** An own column holds an assigned value. */
export const columnPresent = (column: SqlColumn): string =>
  column.kind === 'text' ? `(${column.sql} <> '')` : `(${column.sql} is not null)`;

/** A comparison answered from an own column; undefined when the document has to answer it. */
export function columnComparison(
  column: SqlColumn,
  comparison: Comparison,
  leaf: Attribute,
  parameters: SqlParameters,
): string | undefined {
  if (column.kind === 'json') return undefined;
  if (column.kind === 'texts') return oneOf(column.sql, comparison, leaf, parameters);
  const positive = { ...comparison, operator: comparison.operator === 'ne' ? 'eq' : comparison.operator };
  const sql = positiveComparison(
    column,
    positive as Comparison & { operator: Exclude<CompareOperator, 'ne'> },
    leaf,
    parameters,
  );
  return comparison.operator === 'ne' ? `((${sql}) is not true)` : sql;
}

function oneOf(sql: string, c: Comparison, leaf: Attribute, parameters: SqlParameters): string | undefined {
  if (c.operator !== 'eq' || typeof c.value !== 'string' || c.value === '') return undefined;
  return `(${sql} @> array[${parameters.bind(folded(leaf, c.value))}]::text[])`;
}

function positiveComparison(
  column: Exclude<SqlColumn, { kind: 'texts' | 'json' }> | SqlColumn,
  c: { operator: Exclude<CompareOperator, 'ne'>; value: NonNullable<Literal> },
  leaf: Attribute,
  parameters: SqlParameters,
): string {
  if (column.kind === 'uuid' && c.operator === 'eq')
    return typeof c.value === 'string' && UUID.test(c.value)
      ? `(${column.sql} = ${parameters.bind(c.value)}::uuid)`
      : 'false';
  if (column.kind === 'timestamp') return timestampComparison(column.sql, c, parameters);
  return `(${operatorSql(c.operator, comparableColumn(column, c.operator, leaf), c.value, leaf, parameters)})`;
}

/** Resources show milliseconds, so milliseconds are compared. */
function timestampComparison(
  sql: string,
  c: { operator: Exclude<CompareOperator, 'ne'>; value: NonNullable<Literal> },
  parameters: SqlParameters,
): string {
  const symbol = { eq: '=', gt: '>', ge: '>=', lt: '<', le: '<=', co: '', sw: '', ew: '' }[c.operator];
  if (symbol === '') return 'false';
  return `(date_trunc('milliseconds', ${sql}) ${symbol} ${parameters.bind(c.value)}::timestamptz)`;
}

/** Equality and patterns leave the column as it is, so that an index on it serves them. */
function comparableColumn(
  column: SqlColumn,
  operator: Exclude<CompareOperator, 'ne'>,
  leaf: Attribute,
): string {
  if (column.kind === 'boolean') return column.sql;
  const text = column.kind === 'uuid' ? `${column.sql}::text` : column.sql;
  const isFolded = column.kind === 'text' && column.isFolded === true;
  const comparable = leaf.caseExact || isFolded ? text : foldSql(text);
  if (operator === 'gt' || operator === 'ge') return `${comparable} collate "C"`;
  return operator === 'lt' || operator === 'le' ? `nullif(${comparable}, '') collate "C"` : comparable;
}
