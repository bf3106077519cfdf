import type { DialectReading } from '../dialect/dialect-reading.js';
import { isObject, isPolluting, sameJson, type Json, type JsonObject } from '../json-value.js';
import { invalidSyntax, invalidValue } from '../scim-error.js';
import type { ResourceType, Schema } from './attribute.js';
import { canonicalValue, unknown } from './canonical-value.js';
import { findAttribute, findBareAttribute, findExtension, type Resolved } from './resource-schema.js';

/** `bare` holds members of extensions, by the extension's id, that were named without it. */
type Canonical = { type: ResourceType; reading: DialectReading; bare: Map<string, JsonObject> };

/**
 * A request's resource in canonical form: attribute names spelled as in the schema, values of the right type, read-only and
 * unknown attributes treated by the dialect, `password` gone. Order of members does not matter afterwards.
 * @throws ScimError 400 `invalidSyntax` (unknown attribute on a strict connection, not an object), `invalidValue` (wrong type)
 */
export function canonicalResource(body: Json, type: ResourceType, reading: DialectReading): JsonObject {
  if (!isObject(body)) throw invalidSyntax('the body must be a JSON object');
  checkSchemas(body, type, reading);
  const out: JsonObject = {};
  const c = { type, reading, bare: new Map<string, JsonObject>() };
  for (const [name, value] of Object.entries(body)) addMember(out, name, value, c);
  addBareMembers(out, c);
  return out;
}

function addMember(out: JsonObject, name: string, value: Json, c: Canonical): void {
  if (isPolluting(name)) throw invalidSyntax(`the attribute name "${name}" is not allowed`);
  if (name.toLowerCase() === 'password') return discardPassword(c.reading);
  const extension = findExtension(c.type, name);
  if (extension) return addExtension(out, extension, value, c);
  const found = findAttribute(c.type, name);
  if (!found) return keepBare(name, value, c);
  if (found.attribute.name !== 'schemas') addValue(out, found, value, c.reading);
}

/** Read-only attributes are ignored in POST and PUT (RFC 7644 §3.3, §3.5.1). */
function addValue(out: JsonObject, { attribute }: Resolved, value: Json, reading: DialectReading): void {
  if (attribute.mutability === 'readOnly') return;
  if (Object.hasOwn(out, attribute.name)) throw invalidSyntax(`"${attribute.name}" stands there twice`);
  const canonical = canonicalValue(attribute, value, reading);
  if (canonical !== null) out[attribute.name] = canonical;
}

function addExtension(out: JsonObject, { id }: Schema, value: Json, c: Canonical): void {
  if (value === null) return;
  if (!isObject(value)) throw invalidValue(`"${id}" must be an object`);
  const members: JsonObject = {};
  for (const [name, member] of Object.entries(value)) {
    if (isPolluting(name)) throw invalidSyntax(`the attribute name "${name}" is not allowed`);
    const found = findAttribute(c.type, name, id);
    if (isOwnName(name, member, id)) continue;
    if (found) addValue(members, found, member, c.reading);
    else unknown(`${id}:${name}`, c.reading);
  }
  if (Object.keys(members).length > 0) out[id] = members;
}

function keepBare(name: string, value: Json, { type, reading, bare }: Canonical): void {
  const found = findBareAttribute(type, name);
  if (!found?.extension || !reading.grants('bare-extension-name')) return unknown(name, reading);
  const members = bare.get(found.extension) ?? {};
  bare.set(found.extension, members);
  addValue(members, found, value, reading);
}

/** What the extension itself says counts more, wherever in the body it stands; another value is left out. */
function addBareMembers(out: JsonObject, { reading, bare }: Canonical): void {
  for (const [id, members] of bare) {
    const own = isObject(out[id]) ? out[id] : {};
    for (const [name, value] of Object.entries(members))
      if (Object.hasOwn(own, name) && !sameJson(own[name], value)) unknown(name, reading);
    const all = { ...members, ...own };
    if (Object.keys(all).length > 0) out[id] = all;
  }
}

/** Client libraries that keep an extension as an object of its own repeat its name inside of it. */
const isOwnName = (name: string, member: Json, id: string): boolean =>
  name.toLowerCase() === 'schemas' &&
  Array.isArray(member) &&
  member.every(schema => typeof schema === 'string' && schema.toLowerCase() === id.toLowerCase());

/** A password is never stored, logged or compared; only a strict connection is told that it does not belong here. */
export function discardPassword(reading: DialectReading): void {
  if (!reading.grants('password-discarded'))
    throw invalidSyntax('this service takes no passwords; leave out "password"');
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
