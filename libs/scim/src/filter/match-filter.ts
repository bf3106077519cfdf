import { isObject, type Json, type JsonObject } from '../json-value.js';
import type { AttributePath } from '../schema/attribute-path.js';
import type { Attribute } from '../schema/attribute.js';
import { normalisedText } from '../user-name.js';
import type { CompareOperator, Filter, Literal } from './filter-ast.js';
import { leafOf } from './parse-filter.js';

/**
 * Whether a resource (or an element of a multi-valued attribute) satisfies a filter. A multi-valued attribute matches when any
 * element does; an absent attribute satisfies only `ne` and `eq null`.
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
  const leaf = filter.path.sub ?? leafOf(filter.path.attribute);
  const values = valuesAt(resource, filter.path).map(value =>
    isObject(value) ? (member(value, leaf.name) ?? null) : value,
  );
  const present = values.filter(isPresent);
  if (filter.value === null) return (filter.operator === 'eq') === (present.length === 0);
  if (filter.operator === 'ne') return !present.some(value => compare(leaf, 'eq', value, filter.value));
  return present.some(value => compare(leaf, filter.operator, value, filter.value));
}

const isPresent = (value: Json): boolean =>
  value !== null &&
  value !== '' &&
  !(Array.isArray(value) && value.length === 0) &&
  !(isObject(value) && Object.keys(value).length === 0);

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

function valuesAt(resource: Json, path: AttributePath): Json[] {
  const elements = elementsAt(resource, path);
  const sub = path.sub;
  if (!sub) return elements;
  return elements.flatMap(element => (isObject(element) ? (member(element, sub.name) ?? []) : []));
}

function compare(leaf: Attribute, operator: CompareOperator, value: Json, literal: Literal): boolean {
  const pair = comparable(leaf, value, literal);
  if (!pair) return false;
  const [a, b] = pair;
  switch (operator) {
    case 'eq':
      return a === b;
    case 'ne':
      return a !== b;
    case 'gt':
      return a > b;
    case 'ge':
      return a >= b;
    case 'lt':
      return a < b;
    case 'le':
      return a <= b;
    default:
      return typeof a === 'string' && typeof b === 'string' && textMatches(operator, a, b);
  }
}

function textMatches(operator: 'co' | 'sw' | 'ew', a: string, b: string): boolean {
  if (operator === 'co') return a.includes(b);
  return operator === 'sw' ? a.startsWith(b) : a.endsWith(b);
}

/** Both sides in the form in which the schema says they compare; undefined when their types differ. */
function comparable(
  leaf: Attribute,
  value: Json,
  literal: Literal,
): [string | number | boolean, string | number | boolean] | undefined {
  if (leaf.type === 'dateTime' && typeof value === 'string' && typeof literal === 'string')
    return [Date.parse(value), Date.parse(literal)];
  if (typeof value === 'string' && typeof literal === 'string')
    return leaf.caseExact ? [value, literal] : [normalisedText(value), normalisedText(literal)];
  if (typeof value === typeof literal && (typeof value === 'number' || typeof value === 'boolean'))
    return [value, literal as number | boolean];
  return undefined;
}
