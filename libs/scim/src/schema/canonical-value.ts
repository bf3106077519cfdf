import { canonicalDateTime } from '../date-time.js';
import type { DialectReading } from '../dialect/dialect-reading.js';
import { isObject, isPolluting, isTold, type Json, type JsonObject } from '../json-value.js';
import { invalidSyntax, invalidValue } from '../scim-error.js';
import type { Attribute } from './attribute.js';
import { ElementIdentity, withAdded } from './element-list.js';
import { findSubAttribute } from './resource-schema.js';

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/**
 * One attribute's value in canonical form; null means "no value" (RFC 7643 §2.5: null, empty array and absent are the same).
 * @throws ScimError 400 `invalidValue` (another type, a required sub-attribute missing), `invalidSyntax` (unknown sub-attribute)
 */
export function canonicalValue(attribute: Attribute, value: Json, reading: DialectReading): Json {
  const canonical = canonicalPart(attribute, value, reading);
  const items = Array.isArray(canonical) ? canonical : [canonical];
  for (const item of items) if (isObject(item)) checkSubAttributes(attribute, item);
  return canonical;
}

/** As {@link canonicalValue} for a value that is merged into another one, which may hold what is missing here. */
export function canonicalPart(attribute: Attribute, value: Json, reading: DialectReading): Json {
  if (value === null) return null;
  if (!attribute.multiValued) return singleValue(attribute, onlyOf(value, reading), reading);
  const items = Array.isArray(value) ? value : [value];
  const canonical = items.map(item => singleValue(attribute, item, reading)).filter(item => item !== null);
  return canonical.length === 0 ? null : withAdded([], canonical, new ElementIdentity(attribute));
}

/** The element of a list of one, where the dialect takes it for the single value that belongs there. */
function onlyOf(value: Json, reading: DialectReading): Json {
  const [only, ...more] = Array.isArray(value) ? value : [];
  return only !== undefined && more.length === 0 && reading.grants('list-of-one') ? only : value;
}

function checkSubAttributes(attribute: Attribute, object: JsonObject): void {
  const missing = attribute.subAttributes.find(sub => sub.required && !isTold(object[sub.name]));
  if (missing) throw invalidValue(`"${attribute.name}" needs "${missing.name}"`);
}

function singleValue(attribute: Attribute, value: Json, reading: DialectReading): Json {
  if (value === null) return null;
  switch (attribute.type) {
    case 'complex':
      return complexValue(attribute, value, reading);
    case 'boolean':
      return booleanValue(attribute, value, reading);
    case 'integer':
      if (typeof value !== 'number' || !Number.isSafeInteger(value))
        throw invalidValue(`"${attribute.name}" must be a whole number`);
      return value;
    case 'decimal':
      if (typeof value !== 'number') throw invalidValue(`"${attribute.name}" must be a number`);
      return value;
    case 'dateTime':
      return dateValue(attribute, value);
    case 'binary':
      if (typeof value !== 'string' || !BASE64.test(value.replaceAll(/\s/g, '')))
        throw invalidValue(`"${attribute.name}" must be base64`);
      return value;
    case 'string':
    case 'reference':
      if (typeof value !== 'string') throw invalidValue(`"${attribute.name}" must be a string`);
      return value;
  }
}

function dateValue(attribute: Attribute, value: Json): Json {
  const canonical = typeof value === 'string' ? canonicalDateTime(value) : undefined;
  if (canonical === undefined)
    throw invalidValue(`"${attribute.name}" must be a date and time such as 2026-01-02T03:04:05Z`);
  return canonical;
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
    const sub = findSubAttribute(attribute, name) ?? aliased(attribute, name, reading);
    if (!sub) unknown(`${attribute.name}.${name}`, reading);
    else if (sub.mutability !== 'readOnly') {
      const canonical = canonicalValue(sub, member, reading);
      if (canonical !== null) out[sub.name] = canonical;
    }
  }
  return Object.keys(out).length === 0 ? null : out;
}

/** `displayName` of an element that the schema calls `display`. */
function aliased(attribute: Attribute, name: string, reading: DialectReading): Attribute | undefined {
  if (name.toLowerCase() !== 'displayname') return undefined;
  const display = findSubAttribute(attribute, 'display');
  return display && reading.grants('display-alias') ? display : undefined;
}

function bareReference(attribute: Attribute, value: Json, reading: DialectReading): Json {
  if (typeof value === 'string' && findSubAttribute(attribute, 'value') && reading.grants('bare-reference'))
    return { value };
  throw invalidValue(
    `"${attribute.name}" must be ${attribute.multiValued ? 'an array of objects' : 'an object'}`,
  );
}

/** An attribute that the schema does not know: an error, or left out and recorded by name. */
export function unknown(name: string, reading: DialectReading): void {
  if (!reading.grants('unknown-dropped', name))
    throw invalidSyntax(`the schema has no attribute "${name.slice(0, 100)}"`);
}
