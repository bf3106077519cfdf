import type { DialectReading } from '../dialect/dialect.js';
import { isObject, isPolluting, type Json, type JsonObject } from '../json-value.js';
import { invalidSyntax, invalidValue } from '../scim-error.js';
import type { Attribute, ResourceType } from './attribute.js';
import { findAttribute, findExtension, findSubAttribute } from './resource-schema.js';

/** What to do with read-only attributes: drop them (POST, PUT: RFC 7644 §3.3, §3.5.1) or hand them to the caller. */
type Canonical = { type: ResourceType; reading: DialectReading };

/**
 * A request's resource in canonical form: attribute names spelled as in the schema, values of the right type, read-only and
 * unknown attributes treated by the dialect, `password` gone. Order of members does not matter afterwards.
 * @throws ScimError 400 `invalidSyntax` (unknown attribute on a strict connection, not an object), `invalidValue` (wrong type)
 */
export function canonicalResource(body: Json, type: ResourceType, reading: DialectReading): JsonObject {
  if (!isObject(body)) throw invalidSyntax('the body must be a JSON object');
  checkSchemas(body, type, reading);
  const out: JsonObject = {};
  for (const [name, value] of Object.entries(body)) addMember(out, name, value, { type, reading });
  exclusivePrimary(out);
  return out;
}

function addMember(out: JsonObject, name: string, value: Json, c: Canonical): void {
  if (isPolluting(name)) throw invalidSyntax(`the attribute name "${name}" is not allowed`);
  if (name.toLowerCase() === 'password') return discardPassword(c.reading);
  const extension = findExtension(c.type, name);
  if (extension) {
    const members = extensionMembers(extension.id, value, c);
    if (Object.keys(members).length > 0) out[extension.id] = members;
    return;
  }
  const found = findAttribute(c.type, name);
  if (!found) return unknown(name, c.reading);
  if (found.attribute.mutability === 'readOnly' || found.attribute.name === 'schemas') return;
  const canonical = canonicalValue(found.attribute, value, c.reading);
  if (canonical !== null) out[found.attribute.name] = canonical;
}

function extensionMembers(id: string, value: Json, c: Canonical): JsonObject {
  if (value === null) return {};
  if (!isObject(value)) throw invalidValue(`"${id}" must be an object`);
  const out: JsonObject = {};
  for (const [name, member] of Object.entries(value)) {
    if (isPolluting(name)) throw invalidSyntax(`the attribute name "${name}" is not allowed`);
    const found = findAttribute(c.type, name, id);
    if (!found) unknown(`${id}:${name}`, c.reading);
    else {
      const canonical = canonicalValue(found.attribute, member, c.reading);
      if (canonical !== null) out[found.attribute.name] = canonical;
    }
  }
  return out;
}

/** A password is never stored, logged or compared; only a strict connection is told that it does not belong here. */
export function discardPassword(reading: DialectReading): void {
  if (!reading.grants('password-discarded'))
    throw invalidSyntax('this service takes no passwords; leave out "password"');
}

export function unknown(name: string, reading: DialectReading): void {
  if (!reading.grants('unknown-dropped'))
    throw invalidSyntax(`the schema has no attribute "${name.slice(0, 100)}"`);
}

function checkSchemas(body: JsonObject, type: ResourceType, reading: DialectReading): void {
  const key = Object.keys(body).find(name => name.toLowerCase() === 'schemas');
  const schemas = key === undefined ? undefined : body[key];
  if (!Array.isArray(schemas) || !schemas.every(s => typeof s === 'string'))
    throw invalidSyntax(`"schemas" must be an array that names ${type.schema.id}`);
  const known = [type.schema, ...type.extensions].map(s => s.id.toLowerCase());
  if (!schemas.some(s => s.toLowerCase() === type.schema.id.toLowerCase()))
    throw invalidSyntax(`"schemas" must name ${type.schema.id}`);
  for (const schema of schemas) if (!known.includes(schema.toLowerCase())) unknown(schema, reading);
}

/**
 * One attribute's value in canonical form; null means "no value" (RFC 7643 §2.5: null, empty array and absent are the same).
 */
export function canonicalValue(attribute: Attribute, value: Json, reading: DialectReading): Json {
  if (value === null) return null;
  if (!attribute.multiValued) return singleValue(attribute, value, reading);
  const items = Array.isArray(value) ? value : [value];
  const canonical = items.map(item => singleValue(attribute, item, reading)).filter(item => item !== null);
  return canonical.length === 0 ? null : canonical;
}

function singleValue(attribute: Attribute, value: Json, reading: DialectReading): Json {
  if (value === null) return null;
  if (attribute.type === 'complex') return complexValue(attribute, value, reading);
  if (attribute.type === 'boolean') return booleanValue(attribute, value, reading);
  const wanted = attribute.type === 'integer' || attribute.type === 'decimal' ? 'number' : 'string';
  if (typeof value !== wanted) throw invalidValue(`"${attribute.name}" must be a ${wanted}`);
  return value;
}

function booleanValue(attribute: Attribute, value: Json, reading: DialectReading): Json {
  if (typeof value === 'boolean') return value;
  const lower = typeof value === 'string' ? value.toLowerCase() : undefined;
  if ((lower === 'true' || lower === 'false') && reading.grants('string-boolean')) return lower === 'true';
  throw invalidValue(`"${attribute.name}" must be true or false`);
}

function complexValue(attribute: Attribute, value: Json, reading: DialectReading): Json {
  if (!isObject(value)) return bareReference(attribute, value, reading);
  const out: JsonObject = {};
  for (const [name, member] of Object.entries(value)) {
    if (isPolluting(name)) throw invalidSyntax(`the attribute name "${name}" is not allowed`);
    const sub = findSubAttribute(attribute, name);
    if (!sub) unknown(`${attribute.name}.${name}`, reading);
    else if (sub.mutability !== 'readOnly') {
      const canonical = canonicalValue(sub, member, reading);
      if (canonical !== null) out[sub.name] = canonical;
    }
  }
  return Object.keys(out).length === 0 ? null : out;
}

function bareReference(attribute: Attribute, value: Json, reading: DialectReading): Json {
  if (typeof value === 'string' && findSubAttribute(attribute, 'value') && reading.grants('bare-reference'))
    return { value };
  throw invalidValue(
    `"${attribute.name}" must be ${attribute.multiValued ? 'an array of objects' : 'an object'}`,
  );
}

/** At most one element of a multi-valued attribute is primary (RFC 7644 §3.5.2): the last one that says so. */
export function exclusivePrimary(resource: JsonObject): void {
  for (const value of Object.values(resource)) {
    if (!Array.isArray(value)) continue;
    const primaries = value.filter(item => isObject(item) && item.primary === true);
    for (const item of primaries.slice(0, -1)) if (isObject(item)) item.primary = false;
  }
}
