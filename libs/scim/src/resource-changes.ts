import type { DialectReading } from './dialect/dialect-reading.js';
import { isObject, isTold, sameJson, type Json, type JsonObject } from './json-value.js';
import { invalidValue } from './scim-error.js';
import type { Attribute, ResourceType } from './schema/attribute.js';
import { canonicalResource } from './schema/canonical-resource.js';
import { withImmutable } from './schema/immutable.js';

/** Checks that what must be there is there, after any kind of write. */
export function checkRequired(resource: JsonObject, type: ResourceType): JsonObject {
  checkPresent(resource, type.schema.attributes);
  for (const extension of type.extensions) {
    const held = resource[extension.id];
    if (isObject(held)) checkPresent(held, extension.attributes);
  }
  return resource;
}

function checkPresent(object: JsonObject, attributes: readonly Attribute[]): void {
  for (const attribute of attributes) {
    if (attribute.required && attribute.mutability !== 'readOnly' && !isTold(object[attribute.name]))
      throw invalidValue(`"${attribute.name}" is required`);
  }
}

/** The resource that a POST asks for; `active` is true unless it says otherwise. */
export function newResource(body: Json, type: ResourceType, reading: DialectReading): JsonObject {
  return checkRequired(withActive(canonicalResource(body, type, reading), true, type), type);
}

/**
 * The resource that a PUT asks for (RFC 7644 §3.5.1). An omitted `active` keeps its stored value: silence re-activates nobody.
 * @throws ScimError 400 `mutability` for another value of an immutable attribute, and as {@link newResource}
 */
export function replacedResource(
  existing: JsonObject,
  body: Json,
  type: ResourceType,
  reading: DialectReading,
): JsonObject {
  const wanted = canonicalResource(body, type, reading);
  return checkRequired(withActive(withImmutable(existing, wanted, type), existing.active, type), type);
}

/** A user with `active` as it is, or as given where nothing is said of it. */
function withActive(resource: JsonObject, otherwise: Json | undefined, type: ResourceType): JsonObject {
  if (type.name !== 'User' || resource.active !== undefined || otherwise === undefined) return resource;
  return { ...resource, active: otherwise };
}

/** Names of the attributes that differ, `extension:attribute` for extensions; never values. */
export function changedAttributes(before: JsonObject, after: JsonObject): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names]
    .filter(name => !sameJson(before[name], after[name]))
    .flatMap(name => refine(name, before[name], after[name]))
    .sort();
}

function refine(name: string, before: Json | undefined, after: Json | undefined): string[] {
  if (!name.startsWith('urn:')) return [name];
  const a = isObject(before) ? before : {};
  const b = isObject(after) ? after : {};
  return changedAttributes(a, b).map(member => `${name}:${member}`);
}
