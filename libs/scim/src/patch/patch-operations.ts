import type { DialectReading } from '../dialect/dialect.js';
import type { Filter, Literal } from '../filter/filter-ast.js';
import { matches } from '../filter/match-filter.js';
import { isObject, sameJson, type Json, type JsonObject } from '../json-value.js';
import { invalidPath, invalidValue, mutability, noTarget } from '../scim-error.js';
import { canonicalValue } from '../schema/canonical-resource.js';
import type { PatchPath } from './patch-path.js';

/** The object that holds the attribute: the resource, or the extension (made when `create`). */
function holderOf(resource: JsonObject, path: PatchPath, create: boolean): JsonObject | undefined {
  if (!path.extension) return resource;
  const extension = resource[path.extension];
  if (isObject(extension)) return extension;
  if (!create) return undefined;
  const made: JsonObject = {};
  resource[path.extension] = made;
  return made;
}

/** Removes what stands at the path (RFC 7644 §3.5.2.2); a filter that matches nothing is a retry, not an error. */
export function removeAt(
  resource: JsonObject,
  path: PatchPath,
  value: Json | undefined,
  reading: DialectReading,
): void {
  if ((path.sub ?? path.attribute).required)
    throw mutability(`"${(path.sub ?? path.attribute).name}" is required`);
  const holder = holderOf(resource, path, false);
  if (!holder) return;
  const name = path.attribute.name;
  if (path.filter || path.attribute.multiValued) removeElements(holder, path, value, reading);
  else if (path.sub) {
    const parent = holder[name];
    if (isObject(parent)) delete parent[path.sub.name];
  } else delete holder[name];
  if (path.extension && Object.keys(holder).length === 0) delete resource[path.extension];
}

function removeElements(
  holder: JsonObject,
  path: PatchPath,
  value: Json | undefined,
  reading: DialectReading,
): void {
  const name = path.attribute.name;
  const elements = elementsOf(holder, name);
  const { filter, sub } = path;
  if (sub) {
    for (const element of elements)
      if (isObject(element) && (!filter || matches(filter, element))) delete element[sub.name];
    return;
  }
  if (filter)
    return store(
      holder,
      name,
      elements.filter(element => !matches(filter, element)),
    );
  if (value === undefined || value === null) return store(holder, name, []);
  // An empty list of what to remove removes nothing: reading it as "all" would empty a group.
  if (!reading.grants('remove-with-value'))
    throw invalidPath(`name what to remove in the path: ${name}[value eq "…"]`);
  const listed = canonicalList(path, value, reading);
  store(
    holder,
    name,
    elements.filter(element => !listed.some(item => sameElement(item, element))),
  );
}

/** Adds to the path (RFC 7644 §3.5.2.1); what is there already changes nothing. */
export function addAt(resource: JsonObject, path: PatchPath, value: Json, reading: DialectReading): void {
  if (path.filter || !path.attribute.multiValued || path.sub)
    return replaceAt(resource, path, value, reading);
  const holder = holderOf(resource, path, true) ?? resource;
  const elements = elementsOf(holder, path.attribute.name);
  const added = canonicalList(path, value, reading).filter(
    item => !elements.some(element => sameElement(item, element)),
  );
  for (const item of added) if (isObject(item) && item.primary === true) clearPrimary(elements);
  store(holder, path.attribute.name, [...elements, ...added]);
}

/** Replaces at the path (RFC 7644 §3.5.2.3). */
export function replaceAt(resource: JsonObject, path: PatchPath, value: Json, reading: DialectReading): void {
  const holder = holderOf(resource, path, true) ?? resource;
  if (path.filter) return replaceElements(holder, path, path.filter, value, reading);
  const { attribute, sub } = path;
  if (!sub) return replaceWhole(holder, path, value, reading);
  const canonical = canonicalValue(sub, value, reading);
  if (attribute.multiValued) {
    for (const element of elementsOf(holder, attribute.name))
      if (isObject(element)) assign(element, sub.name, canonical);
    return;
  }
  const parent = holder[attribute.name];
  const object = isObject(parent) ? parent : {};
  assign(object, sub.name, canonical);
  assign(holder, attribute.name, Object.keys(object).length > 0 ? object : null);
}

function replaceWhole(holder: JsonObject, path: PatchPath, value: Json, reading: DialectReading): void {
  const { attribute } = path;
  const canonical = canonicalValue(attribute, value, reading);
  if (canonical === null && attribute.required) throw invalidValue(`"${attribute.name}" is required`);
  const old = holder[attribute.name];
  // A complex value is merged: sub-attributes that are not named stay (RFC 7644 §3.5.2.3).
  const merged =
    !attribute.multiValued && isObject(canonical) && isObject(old) ? { ...old, ...canonical } : canonical;
  assign(holder, attribute.name, merged);
}

function replaceElements(
  holder: JsonObject,
  path: PatchPath,
  filter: Filter,
  value: Json,
  reading: DialectReading,
): void {
  const { attribute, sub } = path;
  const elements = elementsOf(holder, attribute.name);
  const hits = elements.filter(element => matches(filter, element));
  if (hits.length === 0) {
    const made = elementFrom(filter);
    if (!made || !reading.grants('create-missing-element'))
      throw noTarget(`no element of "${attribute.name}" matches the path`);
    elements.push(made);
    hits.push(made);
    holder[attribute.name] = elements;
  }
  for (const hit of hits) replaceInElement(hit, path, value, reading);
  if (hits.some(hit => isObject(hit) && hit.primary === true))
    clearPrimary(elements.filter(element => !hits.includes(element)));
  if (sub === undefined) holder[attribute.name] = elements;
}

function replaceInElement(hit: Json, path: PatchPath, value: Json, reading: DialectReading): void {
  if (!isObject(hit)) return;
  if (path.sub) return assign(hit, path.sub.name, canonicalValue(path.sub, value, reading));
  const [canonical] = canonicalList(path, value, reading);
  if (!isObject(canonical)) throw invalidValue(`an element of "${path.attribute.name}" must be an object`);
  Object.assign(hit, canonical);
}

/** The element that an equality filter describes: `[type eq "work"]` -> `{ type: 'work' }`. */
function elementFrom(filter: Filter): JsonObject | undefined {
  if (filter.kind === 'compare' && filter.operator === 'eq' && filter.value !== null)
    return { [filter.path.attribute.name]: filter.value satisfies Literal };
  if (filter.kind !== 'and') return undefined;
  const left = elementFrom(filter.left);
  const right = elementFrom(filter.right);
  return left && right && { ...left, ...right };
}

function canonicalList(path: PatchPath, value: Json, reading: DialectReading): Json[] {
  const canonical = canonicalValue(path.attribute, value, reading);
  if (canonical === null) return [];
  return Array.isArray(canonical) ? canonical : [canonical];
}

/** Elements are the same when their `value` is, and their `type` where both have one. */
function sameElement(a: Json, b: Json): boolean {
  if (!isObject(a) || !isObject(b)) return sameJson(a, b);
  if (a.value === undefined || b.value === undefined) return sameJson(a, b);
  return a.value === b.value && (a.type === undefined || b.type === undefined || a.type === b.type);
}

const elementsOf = (holder: JsonObject, name: string): Json[] => {
  const value = holder[name];
  return Array.isArray(value) ? value : [];
};

const clearPrimary = (elements: readonly Json[]): void => {
  for (const element of elements) if (isObject(element) && element.primary === true) element.primary = false;
};

const store = (holder: JsonObject, name: string, elements: Json[]): void =>
  assign(holder, name, elements.length > 0 ? elements : null);

function assign(holder: JsonObject, name: string, value: Json): void {
  if (value === null) delete holder[name];
  else holder[name] = value;
}
