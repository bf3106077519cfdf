import type { DialectReading } from '../dialect/dialect-reading.js';
import type { Filter } from '../filter/filter-ast.js';
import { matches } from '../filter/match-filter.js';
import { isObject, sameJson, type Json, type JsonObject } from '../json-value.js';
import { invalidPath, invalidValue, mutability, noTarget } from '../scim-error.js';
import type { Attribute } from '../schema/attribute.js';
import { canonicalPart, canonicalValue } from '../schema/canonical-value.js';
import {
  ElementIdentity,
  keepOnePrimary,
  makePrimary,
  withAdded,
  withoutListed,
} from '../schema/element-list.js';
import type { PatchPath } from './patch-path.js';

type Setting = { op: 'add' | 'replace'; path: PatchPath; reading: DialectReading };

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

function dropEmptyExtension(resource: JsonObject, path: PatchPath): void {
  const holder = path.extension ? resource[path.extension] : undefined;
  if (path.extension && isObject(holder) && Object.keys(holder).length === 0) delete resource[path.extension];
}

/** Removes what stands at the path (RFC 7644 §3.5.2.2); a filter that matches nothing is a retry, not an error. */
export function removeAt(
  resource: JsonObject,
  path: PatchPath,
  value: Json | undefined,
  reading: DialectReading,
): void {
  const leaf = path.sub ?? path.attribute;
  if (leaf.required) throw mutability(`"${leaf.name}" is required`);
  const holder = holderOf(resource, path, false);
  if (!holder) return;
  const { attribute, sub } = path;
  if (attribute.multiValued) removeElements(holder, path, value, reading);
  else if (sub) {
    const parent = holder[attribute.name];
    if (isObject(parent)) {
      setMember(parent, sub, null);
      if (Object.keys(parent).length === 0) delete holder[attribute.name];
    }
  } else setMember(holder, attribute, null);
  dropEmptyExtension(resource, path);
}

function removeElements(
  holder: JsonObject,
  path: PatchPath,
  value: Json | undefined,
  reading: DialectReading,
): void {
  const { attribute, filter, sub } = path;
  const elements = elementsOf(holder, attribute.name);
  if (sub) {
    for (const element of elements)
      if (isObject(element) && (!filter || matches(filter, element))) setMember(element, sub, null);
    return store(
      holder,
      attribute.name,
      elements.filter(element => !isObject(element) || Object.keys(element).length > 0),
    );
  }
  if (filter)
    return store(
      holder,
      attribute.name,
      elements.filter(element => !matches(filter, element)),
    );
  const listed = listedForRemoval(path, value, reading);
  if (listed === 'all') return store(holder, attribute.name, []);
  store(holder, attribute.name, withoutListed(elements, listed, new ElementIdentity(attribute)));
}

/** What a removal without a filter names in its `value`. An empty list names nothing: reading it as "all" would empty a group. */
export function listedForRemoval(
  path: PatchPath,
  value: Json | undefined,
  reading: DialectReading,
): 'all' | Json[] {
  if (value === undefined || value === null) return 'all';
  if (!reading.grants('remove-with-value'))
    throw invalidPath(`name what to remove in the path: ${path.attribute.name}[value eq "…"]`);
  const listed = canonicalList(path.attribute, value, reading);
  if (listed.length === 0) reading.grants('empty-removal');
  return listed;
}

/** Adds to (RFC 7644 §3.5.2.1) or replaces (§3.5.2.3) what stands at the path; what is there already changes nothing. */
export function setAt(resource: JsonObject, setting: Setting, value: Json): void {
  const { path } = setting;
  const holder = holderOf(resource, path, true) ?? resource;
  if (path.attribute.multiValued) setElements(holder, setting, value);
  else if (path.sub) setSub(holder, setting, path.sub, value);
  else setWhole(holder, setting, value);
  dropEmptyExtension(resource, path);
}

function setElements(holder: JsonObject, setting: Setting, value: Json): void {
  const { path, reading, op } = setting;
  const { attribute, filter, sub } = path;
  if (filter || sub) return setWithinElements(holder, setting, value);
  const elements = elementsOf(holder, attribute.name);
  const listed = canonicalList(attribute, value, reading);
  if (op === 'replace' && listed.length === 0 && attribute.required)
    throw invalidValue(`"${attribute.name}" is required`);
  store(
    holder,
    attribute.name,
    withAdded(op === 'add' ? elements : [], listed, new ElementIdentity(attribute)),
  );
}

/** `emails[type eq "work"]`, `emails[type eq "work"].value`, or `emails.value`, which means every element. */
function setWithinElements(holder: JsonObject, setting: Setting, value: Json): void {
  const { path, reading } = setting;
  const { attribute, filter } = path;
  const elements = elementsOf(holder, attribute.name);
  const hits = filter ? elements.filter(element => matches(filter, element)) : [...elements];
  if (hits.length === 0) {
    const made = filter ? elementFrom(filter) : {};
    if (!made || !reading.grants('create-missing-element'))
      throw noTarget(`no element of "${attribute.name}" matches the path`);
    const element = changedElement(made, { ...setting, op: 'add' }, value);
    store(
      holder,
      attribute.name,
      withAdded(elements, element === null ? [] : [element], new ElementIdentity(attribute)),
    );
    return;
  }
  const changed = new Map(hits.map(hit => [hit, changedElement(hit, setting, value)]));
  const after = elements.map(element => (changed.has(element) ? (changed.get(element) ?? null) : element));
  const primary = [...changed.values()].findLast(element => isObject(element) && element.primary === true);
  if (isObject(primary)) makePrimary(after, primary);
  keepOnePrimary(after);
  const left = after.filter(element => element !== null);
  // What became the same is one element now.
  store(holder, attribute.name, withAdded([], left, new ElementIdentity(attribute)));
}

/** One element after the operation; null when nothing of it is left. */
function changedElement(element: Json, setting: Setting, value: Json): Json {
  const { path, reading, op } = setting;
  if (!path.sub && path.attribute.type !== 'complex')
    return canonicalValue(single(path.attribute), value, reading);
  const before = isObject(element) ? element : {};
  const after = path.sub || op === 'add' ? { ...before } : {};
  if (path.sub) setMember(after, path.sub, leafValue(before, setting, path.sub, value));
  else {
    const [only = null] = Array.isArray(value) && value.length === 1 ? value : [value];
    const part = canonicalPart(single(path.attribute), only, reading);
    if (!isObject(part)) throw invalidValue(`an element of "${path.attribute.name}" must be an object`);
    Object.assign(after, part);
  }
  for (const sub of path.attribute.subAttributes) keepImmutable(before, after, sub, Boolean(path.sub));
  return Object.keys(after).length === 0 ? null : after;
}

const single = (attribute: Attribute): Attribute => ({ ...attribute, multiValued: false });

/** An immutable sub-attribute keeps its value; naming another one is an error, leaving it out is not. */
function keepImmutable(before: JsonObject, after: JsonObject, sub: Attribute, isOneNamed: boolean): void {
  const old = before[sub.name];
  if (sub.mutability !== 'immutable' || old === undefined) return;
  const isLeftOut = after[sub.name] === undefined && !isOneNamed;
  if (!isLeftOut && !sameJson(old, after[sub.name])) throw mutability(`"${sub.name}" cannot be changed`);
  after[sub.name] = old;
}

/** A sub-attribute of a one-valued attribute. */
function setSub(holder: JsonObject, setting: Setting, sub: Attribute, value: Json): void {
  const { attribute } = setting.path;
  const parent = holder[attribute.name];
  const object = isObject(parent) ? parent : {};
  setMember(object, sub, leafValue(object, setting, sub, value));
  assign(holder, attribute.name, Object.keys(object).length > 0 ? object : null);
}

/** A one-valued attribute; a complex value is merged: sub-attributes that are not named stay (RFC 7644 §3.5.2.3). */
function setWhole(holder: JsonObject, setting: Setting, value: Json): void {
  const { attribute } = setting.path;
  const old = holder[attribute.name];
  const canonical =
    attribute.type === 'complex'
      ? canonicalPart(attribute, value, setting.reading)
      : canonicalValue(attribute, value, setting.reading);
  if (isObject(canonical) && isObject(old)) {
    const merged = { ...old, ...canonical };
    for (const sub of attribute.subAttributes) keepImmutable(old, merged, sub, false);
    assign(holder, attribute.name, merged);
  } else setMember(holder, attribute, canonical);
}

/** The new value of a sub-attribute: several values are added to, one is replaced. */
function leafValue(object: JsonObject, setting: Setting, sub: Attribute, value: Json): Json {
  const canonical = canonicalValue(sub, value, setting.reading);
  const old = object[sub.name];
  if (setting.op === 'replace' || !Array.isArray(canonical) || !Array.isArray(old)) return canonical;
  return withAdded(old, canonical, new ElementIdentity(sub));
}

/** Sets one attribute of an object after the checks that its schema asks for; null takes it away. */
function setMember(object: JsonObject, attribute: Attribute, value: Json): void {
  if (value === null && attribute.required) throw invalidValue(`"${attribute.name}" is required`);
  const old = object[attribute.name];
  if (attribute.mutability === 'immutable' && old !== undefined && !sameJson(old, value ?? undefined))
    throw mutability(`"${attribute.name}" cannot be changed once it is set`);
  assign(object, attribute.name, value);
}

/** The element that an equality filter describes: `[type eq "work"]` -> `{ type: 'work' }`. */
function elementFrom(filter: Filter): JsonObject | undefined {
  if (filter.kind === 'compare' && filter.operator === 'eq' && filter.value !== null && !filter.path.sub)
    return { [filter.path.attribute.name]: filter.value };
  if (filter.kind !== 'and') return undefined;
  const left = elementFrom(filter.left);
  const right = elementFrom(filter.right);
  return left && right && { ...left, ...right };
}

/** A value of a multi-valued attribute as the list that it is. */
export function canonicalList(attribute: Attribute, value: Json, reading: DialectReading): Json[] {
  const canonical = canonicalValue(attribute, value, reading);
  if (canonical === null) return [];
  return Array.isArray(canonical) ? canonical : [canonical];
}

const elementsOf = (holder: JsonObject, name: string): Json[] => {
  const value = holder[name];
  return Array.isArray(value) ? value : [];
};

const store = (holder: JsonObject, name: string, elements: Json[]): void =>
  assign(holder, name, elements.length > 0 ? elements : null);

function assign(holder: JsonObject, name: string, value: Json): void {
  if (value === null) delete holder[name];
  else holder[name] = value;
}
