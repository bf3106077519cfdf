import type { AttributePath } from '../schema/attribute-path.js';
import type { Attribute } from '../schema/attribute.js';
import { foldSql, sqlText, type SqlColumn, type SqlStore } from './sql-store.js';

/** What a path is resolved against: a store's row, one element of a multi-valued attribute, or one simple value. */
export type SqlRoot =
  { kind: 'row'; store: SqlStore } | { kind: 'element'; sql: string } | { kind: 'value'; sql: string };

/** The jsonb values at a path: one expression, or one per row of a `from` clause. */
export type SqlValues = { from: string | undefined; value: string };

export const pathKey = (path: AttributePath): string =>
  `${path.extension ? `${path.extension}:` : ''}${path.attribute.name}${path.sub ? `.${path.sub.name}` : ''}`;

/** The own column of a path, if the store has one. */
export function columnOf(root: SqlRoot, path: AttributePath): SqlColumn | undefined {
  if (root.kind !== 'row') return undefined;
  const key = pathKey(path);
  return Object.hasOwn(root.store.columns, key) ? root.store.columns[key] : undefined;
}

/** The jsonb of an attribute as a whole. */
export function attributeJson(root: SqlRoot, path: AttributePath): string {
  if (root.kind === 'value') return root.sql;
  if (root.kind === 'element') return `${root.sql} -> ${sqlText(path.attribute.name)}`;
  const column = columnOf(root, { ...path, sub: undefined });
  if (column?.kind === 'json') return `(${column.sql})`;
  const holder = path.extension
    ? `${root.store.document} -> ${sqlText(path.extension)}`
    : root.store.document;
  return `${holder} -> ${sqlText(path.attribute.name)}`;
}

/** The elements of a jsonb array as rows of one column; none when it is no array. */
export const elementsFrom = (json: string, alias: string): string =>
  `jsonb_array_elements(case jsonb_typeof(${json}) when 'array' then ${json} else '[]' end) as ${alias}(e)`;

/** The values that a comparison or `pr` looks at; `leaf` is the sub-attribute that stands for a complex value, if any. */
export function valuesOf(root: SqlRoot, path: AttributePath, leaf: Attribute, aliases: Aliases): SqlValues {
  const json = attributeJson(root, path);
  const sub = path.sub ?? (leaf === path.attribute ? undefined : leaf);
  const inside = (value: string): string => (sub ? `${value} -> ${sqlText(sub.name)}` : value);
  if (root.kind === 'value') return { from: undefined, value: json };
  const froms: string[] = [];
  let value = json;
  if (path.attribute.multiValued) {
    const alias = aliases.next();
    froms.push(elementsFrom(json, alias));
    value = `${alias}.e`;
  }
  value = inside(value);
  if (sub?.multiValued) {
    const alias = aliases.next();
    froms.push(elementsFrom(`(${value})`, alias));
    value = `${alias}.e`;
  }
  return { from: froms.length > 0 ? froms.join(' cross join lateral ') : undefined, value: `(${value})` };
}

/** Names of the row sources of one statement. */
export class Aliases {
  private made = 0;
  next(): string {
    this.made += 1;
    return `v${this.made}`;
  }
}

/** A jsonb value counts as assigned; unknown (NULL) when it is absent. */
export const presentSql = (value: string): string =>
  `${value} <> all (array['null', '""', '[]', '{}']::jsonb[])`;

/** A jsonb value in the form in which its attribute compares; NULL when it is absent, empty or of another type. */
export function comparableSql(leaf: Attribute, value: string): string {
  const text = `${value} #>> '{}'`;
  switch (leaf.type) {
    case 'boolean':
      return `case jsonb_typeof(${value}) when 'boolean' then (${text})::boolean end`;
    case 'integer':
    case 'decimal':
      return `case jsonb_typeof(${value}) when 'number' then (${text})::numeric end`;
    default:
      return foldedSql(leaf, `nullif(case jsonb_typeof(${value}) when 'string' then ${text} end, '')`);
  }
}

/** Text of an attribute as it compares, in the order of code points. Dates stand in canonical form, in which text order is time. */
export const foldedSql = (leaf: Attribute, text: string): string =>
  `${leaf.caseExact || leaf.type === 'dateTime' ? text : foldSql(text)} collate "C"`;
