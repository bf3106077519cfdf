import { leafOf, type Filter, type Literal } from '../filter/filter-ast.js';
import { folded } from '../filter/match-filter.js';
import type { AttributePath } from '../schema/attribute-path.js';
import type { Attribute } from '../schema/attribute.js';
import { columnComparison, columnPresent } from './column-sql.js';
import { operatorSql } from './operator-sql.js';
import type { SqlParameters, SqlStore } from './sql-store.js';
import {
  Aliases,
  attributeJson,
  columnOf,
  comparableSql,
  elementsFrom,
  presentSql,
  valuesOf,
  type SqlRoot,
} from './sql-values.js';

type Comparison = Extract<Filter, { kind: 'compare' }>;
type ElementFilter = Extract<Filter, { kind: 'element' }>;

/**
 * A filter as a condition on a store's rows: true for exactly the rows whose resource {@link matches} it, false or NULL for the
 * others. Values of the request become parameters; the text holds names of the schema and of the store only.
 */
export function filterSql(filter: Filter, store: SqlStore, parameters: SqlParameters): string {
  return new FilterCompiler(parameters).condition(filter, { kind: 'row', store });
}

class FilterCompiler {
  private readonly aliases = new Aliases();
  constructor(private readonly parameters: SqlParameters) {}

  /** Every atom is true, false or NULL, NULL meaning false; only `not` has to tell them apart. */
  condition(filter: Filter, root: SqlRoot): string {
    switch (filter.kind) {
      case 'and':
      case 'or':
        return `(${this.condition(filter.left, root)} ${filter.kind} ${this.condition(filter.right, root)})`;
      case 'not':
        return `((${this.condition(filter.filter, root)}) is not true)`;
      case 'present':
        return this.present(filter.path, filter.path.sub ?? filter.path.attribute, root);
      case 'element':
        return this.element(filter, root);
      case 'compare':
        return this.comparison(filter, root);
    }
  }

  /** `leaf` is what must be assigned: the attribute itself, or the sub-attribute that stands for it. */
  private present(path: AttributePath, leaf: Attribute, root: SqlRoot): string {
    const column = columnOf(root, { ...path, sub: path.sub ?? subOf(path, leaf) });
    if (column && column.kind !== 'json' && column.kind !== 'texts') return columnPresent(column);
    const { from, value } = valuesOf(root, path, leaf, this.aliases);
    return some(from, presentSql(value));
  }

  private comparison(filter: Comparison, root: SqlRoot): string {
    const leaf = leafOf(filter.path);
    if (filter.value === null) {
      const present = this.present(filter.path, leaf, root);
      return filter.operator === 'eq' ? `((${present}) is not true)` : present;
    }
    const column = columnOf(root, { ...filter.path, sub: filter.path.sub ?? subOf(filter.path, leaf) });
    const byColumn =
      column && columnComparison(column, { ...filter, value: filter.value }, leaf, this.parameters);
    if (byColumn !== undefined) return byColumn;
    const values = valuesOf(root, filter.path, leaf, this.aliases);
    const compared = operatorSql(
      filter.operator === 'ne' ? 'eq' : filter.operator,
      comparableSql(leaf, values.value),
      filter.value,
      leaf,
      this.parameters,
    );
    if (filter.operator !== 'ne') return some(values.from, compared);
    return this.notEqual(values.from, values.value, compared);
  }

  /** Some assigned value differs, or none is assigned. */
  private notEqual(from: string | undefined, value: string, equal: string): string {
    if (from === undefined) return `((${equal}) is not true)`;
    const differs = some(from, `${presentSql(value)} and (${equal}) is not true`);
    return `(${differs} or not ${some(from, presentSql(value))})`;
  }

  private element(filter: ElementFilter, root: SqlRoot): string {
    const alias = this.aliases.next();
    const isComplex = filter.path.attribute.type === 'complex';
    const element: SqlRoot = { kind: isComplex ? 'element' : 'value', sql: `${alias}.e` };
    const from = elementsFrom(attributeJson(root, filter.path), alias);
    const found = some(from, this.condition(filter.filter, element));
    const narrowed = this.narrowing(filter, root);
    return narrowed ? `(${narrowed} and ${found})` : found;
  }

  /** What an index can say beforehand: the value that some element must have. */
  private narrowing(filter: ElementFilter, root: SqlRoot): string | undefined {
    const value = impliedValue(filter.filter);
    if (!value) return undefined;
    const column = columnOf(root, { ...filter.path, sub: value.path.attribute });
    if (column?.kind !== 'texts') return undefined;
    return `${column.sql} @> array[${this.parameters.bind(folded(value.path.attribute, value.value))}]::text[]`;
  }
}

/** The sub-attribute that a path means without naming it. */
const subOf = (path: AttributePath, leaf: Attribute): AttributePath['sub'] =>
  leaf === path.attribute ? undefined : leaf;

const some = (from: string | undefined, condition: string): string =>
  from === undefined ? `(${condition})` : `exists (select 1 from ${from} where ${condition})`;

type Implied = { path: AttributePath; value: NonNullable<Literal> };

/** A value that an element must equal whenever the filter is true of it. */
function impliedValue(filter: Filter): Implied | undefined {
  if (filter.kind === 'and') return impliedValue(filter.left) ?? impliedValue(filter.right);
  if (filter.kind !== 'compare' || filter.operator !== 'eq' || typeof filter.value !== 'string')
    return undefined;
  return filter.path.attribute.name === 'value' && filter.value !== ''
    ? { path: filter.path, value: filter.value }
    : undefined;
}
