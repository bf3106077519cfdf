import { canonicalDateTime } from '../date-time.js';
import { isObject, isPresent, type Json, type JsonObject } from '../json-value.js';
import type { AttributePath } from '../schema/attribute-path.js';
import type { Attribute } from '../schema/attribute.js';
import { compareText } from '../text-order.js';
import { normalisedText } from '../user-name.js';
import { leafOf, type CompareOperator, type Filter, type Literal } from './filter-ast.js';

/**
 * Whether a resource (or an element of a multi-valued attribute) satisfies a filter. A multi-valued attribute matches when any
 * of its values does; an absent attribute satisfies only `ne` and `eq null`. `filterSql` answers the same from a database.
 */
export function matches(filter: Filter, resource: Json): boolean {
  switch (filter.kind) {
    case 'and':
      return matches(filter.left, resource) && matches(filter.right, resource);
    case 'or':
      return matches(filter.left, resource) || matches(filter.right, resource);
    case 'not':
      return !matches(filter.filter, resource);
    case 'present':
      return valuesAt(resource, filter.path).some(isPresent);
    case 'element':
      return elementsAt(resource, filter.path).some(element => matches(filter.filter, element));
    case 'compare':
      return compares(filter, resource);
  }
}

function compares(filter: Extract<Filter, { kind: 'compare' }>, resource: Json): boolean {
  const leaf = leafOf(filter.path);
  const { operator, value: literal } = filter;
  const present = valuesAt(resource, filter.path)
    .map(value => (isObject(value) ? (member(value, leaf.name) ?? null) : value))
    .filter(isPresent);
  if (literal === null) return (operator === 'eq') === (present.length === 0);
  if (operator === 'ne')
    return present.length === 0 || present.some(value => !compare(leaf, 'eq', value, literal));
  return present.some(value => compare(leaf, operator, value, literal));
}

/** A member by name, case-insensitively, own members only. */
export function member(object: JsonObject, name: string): Json | undefined {
  if (Object.hasOwn(object, name)) return object[name];
  const lower = name.toLowerCase();
  const key = Object.keys(object).find(k => k.toLowerCase() === lower);
  return key === undefined ? undefined : object[key];
}

function elementsAt(resource: Json, path: AttributePath): Json[] {
  if (!isObject(resource)) return path.attribute.name === 'value' ? [resource] : [];
  const holder = path.extension ? member(resource, path.extension) : resource;
  const value = isObject(holder) ? member(holder, path.attribute.name) : undefined;
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** Every value at a path, elements of multi-valued attributes one by one. */
export function valuesAt(resource: Json, path: AttributePath): Json[] {
  const elements = elementsAt(resource, path);
  const sub = path.sub;
  if (!sub) return elements;
  return elements.flatMap(element => (isObject(element) ? (member(element, sub.name) ?? []) : []));
}

function compare(
  leaf: Attribute,
  operator: CompareOperator,
  value: Json,
  literal: NonNullable<Literal>,
): boolean {
  if (operator === 'co' || operator === 'sw' || operator === 'ew')
    return typeof value === 'string' && textMatches(operator, folded(leaf, value), folded(leaf, literal));
  const order = orderOf(leaf, value, literal);
  if (order === undefined) return false;
  switch (operator) {
    case 'eq':
      return order === 0;
    case 'ne':
      return order !== 0;
    case 'gt':
      return order > 0;
    case 'ge':
      return order >= 0;
    case 'lt':
      return order < 0;
    case 'le':
      return order <= 0;
  }
}

function textMatches(operator: 'co' | 'sw' | 'ew', a: string, b: string): boolean {
  if (operator === 'co') return a.includes(b);
  return operator === 'sw' ? a.startsWith(b) : a.endsWith(b);
}

/** How two values of an attribute are ordered as its schema says; undefined when their types differ. */
export function orderOf(leaf: Attribute, a: Json, b: Json): number | undefined {
  if (leaf.type === 'dateTime') return textOrder(canonicalDate(a), canonicalDate(b));
  if (typeof a === 'string' && typeof b === 'string') return compareText(folded(leaf, a), folded(leaf, b));
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  return undefined;
}

const canonicalDate = (value: Json): string | undefined =>
  typeof value === 'string' ? canonicalDateTime(value) : undefined;

const textOrder = (a: string | undefined, b: string | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : compareText(a, b);

/** Text as its attribute compares it. */
export const folded = (leaf: Attribute, text: NonNullable<Literal>): string =>
  leaf.caseExact ? String(text) : normalisedText(String(text));
