import { leafOf } from '../filter/filter-ast.js';
import { member, orderOf, valuesAt } from '../filter/match-filter.js';
import { isObject, isPresent, type Json } from '../json-value.js';
import type { AttributePath } from '../schema/attribute-path.js';
import { resolveAmong, resolvePath } from '../schema/attribute-path.js';
import type { ResourceType } from '../schema/attribute.js';
import { invalidPath, invalidValue } from '../scim-error.js';

/** An order of resources (RFC 7644 §3.4.2.3). */
export type Sort = { path: AttributePath; isDescending: boolean };

/**
 * Reads `sortBy` and `sortOrder`; undefined when no order is asked for.
 * @param others types that are searched in the same request: their attributes have no value in resources of this type
 * @throws ScimError 400 `invalidPath` (unknown attribute, or a complex one without a value), `invalidValue` (unknown order)
 */
export function parseSort(
  sortBy: string | undefined,
  sortOrder: string | undefined,
  type: ResourceType,
  others: readonly ResourceType[] = [],
): Sort | undefined {
  const isDescending = isDescendingOrder(sortOrder);
  if (!sortBy) return undefined;
  const path = resolveAmong([type, ...others], sortBy.trim());
  const leaf = path && leafOf(path);
  if (!leaf || leaf.returned === 'never')
    throw invalidPath(`"sortBy" names the unknown attribute "${sortBy.slice(0, 100)}"`);
  if (leaf.type === 'complex')
    throw invalidPath(`"${leaf.name}" is complex; sort by one of its sub-attributes`);
  return { path, isDescending };
}

/** An order of resources of several types together: the path of each type, undefined where its resources cannot have a value. */
export type SharedSort = { paths: readonly (AttributePath | undefined)[]; isDescending: boolean };

/**
 * As {@link parseSort}, for a search over several types.
 * @throws ScimError as {@link parseSort}
 */
export function parseSharedSort(
  sortBy: string,
  sortOrder: string | undefined,
  types: readonly [ResourceType, ...ResourceType[]],
): SharedSort {
  const [first, ...others] = types;
  const sort = parseSort(sortBy, sortOrder, first, others);
  if (!sort) throw invalidPath('"sortBy" names no attribute');
  const paths = types.map(type => resolvePath(type, sortBy.trim()));
  return { paths, isDescending: sort.isDescending };
}

function isDescendingOrder(sortOrder: string | undefined): boolean {
  const order = (sortOrder || 'ascending').toLowerCase();
  if (order !== 'ascending' && order !== 'descending')
    throw invalidValue('"sortOrder" must be ascending or descending');
  return order === 'descending';
}

/**
 * Sorts a copy; equal resources keep their order. Resources without a value come last, in descending order first. `sortSql` orders
 * the same in a database.
 */
export function sortResources<Resource extends Json>(resources: readonly Resource[], sort: Sort): Resource[] {
  const direction = sort.isDescending ? -1 : 1;
  return resources
    .map(resource => ({ resource, key: sortValue(resource, sort.path) }))
    .sort((a, b) => direction * compareKeys(a.key, b.key, sort.path))
    .map(({ resource }) => resource);
}

function compareKeys(a: Json | undefined, b: Json | undefined, path: AttributePath): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return orderOf(leafOf(path), a, b) ?? 0;
}

/** The value by which a resource is ordered: of several, that of the primary element, else the first one assigned. */
export function sortValue(resource: Json, path: AttributePath): Json | undefined {
  const leaf = leafOf(path);
  const elements = valuesAt(resource, { ...path, sub: undefined });
  const primary = elements.findIndex(element => isObject(element) && element.primary === true);
  const ordered =
    primary < 0 ? elements : [elements[primary] ?? null, ...elements.filter((_, i) => i !== primary)];
  const values = ordered
    .flatMap(element => (isObject(element) ? (member(element, leaf.name) ?? []) : element))
    .filter(isPresent);
  return values[0];
}
