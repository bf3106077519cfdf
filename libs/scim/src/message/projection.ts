import { isObject, type Json, type JsonObject } from '../json-value.js';
import { splitUrn } from '../schema/attribute-path.js';
import type { ResourceType } from '../schema/attribute.js';
import { findAttribute, findSubAttribute } from '../schema/resource-schema.js';

/** Attributes that no projection takes away (RFC 7643 §7 `returned: always`). */
const ALWAYS: ReadonlySet<string> = new Set(['id', 'schemas']);

/** Reads a comma separated list of attribute names. */
export const attributeNames = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map(name => name.trim())
    .filter(Boolean);

/** `attributes` and `excludedAttributes` of RFC 7644 §3.9; names that the schema does not know select nothing. */
export function project(
  resource: JsonObject,
  type: ResourceType,
  only: readonly string[],
  without: readonly string[],
): JsonObject {
  if (only.length > 0) return selected(resource, type, only);
  if (without.length === 0) return resource;
  const copy = structuredClone(resource);
  for (const name of without) exclude(copy, type, name);
  return copy;
}

function selected(resource: JsonObject, type: ResourceType, names: readonly string[]): JsonObject {
  const out: JsonObject = {};
  for (const name of ALWAYS) if (resource[name] !== undefined) out[name] = resource[name];
  for (const name of names) select(out, resource, type, name);
  return out;
}

type Place = { extension: string | undefined; name: string | undefined; sub: string | undefined };

/** A bracket filter in a projection (`emails[type eq "work"]`) selects the whole attribute. */
function placeOf(type: ResourceType, text: string): Place | undefined {
  const { urn, rest } = splitUrn(type, text.replace(/\[[^\]]*\]/, ''));
  if (urn && rest === '') return { extension: urn, name: undefined, sub: undefined };
  const [name = '', sub] = rest.split('.');
  const found = findAttribute(type, name, urn);
  if (!found) return undefined;
  return {
    extension: found.extension,
    name: found.attribute.name,
    sub: sub && findSubAttribute(found.attribute, sub)?.name,
  };
}

function select(out: JsonObject, resource: JsonObject, type: ResourceType, text: string): void {
  const place = placeOf(type, text);
  if (!place) return;
  const source = place.extension ? resource[place.extension] : resource;
  if (!isObject(source)) return;
  if (place.name === undefined) {
    if (place.extension) out[place.extension] = source;
    return;
  }
  const value = source[place.name];
  if (value === undefined) return;
  const target = place.extension ? childOf(out, place.extension) : out;
  target[place.name] = place.sub ? mergeSub(target[place.name], value, place.sub) : value;
}

function childOf(out: JsonObject, name: string): JsonObject {
  const child = out[name];
  if (isObject(child)) return child;
  const made: JsonObject = {};
  out[name] = made;
  return made;
}

function mergeSub(before: Json | undefined, value: Json, sub: string): Json {
  const pick = (item: Json): JsonObject =>
    isObject(item) && item[sub] !== undefined ? { [sub]: item[sub] } : {};
  if (Array.isArray(value))
    return value.map((item, i) => ({
      ...(Array.isArray(before) && isObject(before[i]) ? before[i] : {}),
      ...pick(item),
    }));
  return { ...(isObject(before) ? before : {}), ...pick(value) };
}

function exclude(copy: JsonObject, type: ResourceType, text: string): void {
  const place = placeOf(type, text);
  if (!place || (place.name !== undefined && ALWAYS.has(place.name))) return;
  if (place.name === undefined) {
    if (place.extension) delete copy[place.extension];
    return;
  }
  const holder = place.extension ? copy[place.extension] : copy;
  if (!isObject(holder)) return;
  if (!place.sub) {
    delete holder[place.name];
    return;
  }
  const value = holder[place.name];
  for (const item of Array.isArray(value) ? value : [value ?? null])
    if (isObject(item)) delete item[place.sub];
}
