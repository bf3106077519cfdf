import { isObject, isPolluting, type Json, type JsonObject } from '../json-value.js';
import { invalidSyntax } from '../scim-error.js';
import { attribute, type Attribute, type ResourceType, type Schema } from './attribute.js';

const TYPES = [
  'string',
  'boolean',
  'integer',
  'decimal',
  'dateTime',
  'reference',
  'binary',
  'complex',
] as const;
const MUTABILITIES = ['readOnly', 'readWrite', 'immutable', 'writeOnly'] as const;
const RETURNED = ['always', 'never', 'default', 'request'] as const;
const UNIQUENESS = ['none', 'server', 'global'] as const;
const NAME = /^[A-Za-z$][A-Za-z0-9_$-]{0,99}$/;
const URN = /^urn:[a-z0-9][a-z0-9-]{0,31}:[^\s"'[\]()\\]{1,200}$/i;
const ATTRIBUTES_MAX = 200;

/**
 * Reads a schema in the form in which `/Schemas` shows it (RFC 7643 §7), so that a connection can bring attributes of its own.
 * @throws ScimError 400 `invalidSyntax` naming what is wrong
 */
export function parseSchema(json: Json): Schema {
  if (!isObject(json)) throw invalidSyntax('a schema must be an object');
  const { id, name, description } = json;
  if (typeof id !== 'string' || !URN.test(id)) throw invalidSyntax('the "id" of a schema must be a URN');
  return {
    id,
    name: typeof name === 'string' ? name : (id.split(':').at(-1) ?? id),
    description: typeof description === 'string' ? description : '',
    attributes: parseAttributes(json.attributes, id, false),
  };
}

function parseAttributes(json: Json | undefined, where: string, isSub: boolean): Attribute[] {
  if (!Array.isArray(json) || json.length === 0 || json.length > ATTRIBUTES_MAX)
    throw invalidSyntax(`"${where}" needs 1 to ${ATTRIBUTES_MAX} attributes`);
  const attributes = json.map(one => parseAttribute(one, where, isSub));
  const names = new Set(attributes.map(a => a.name.toLowerCase()));
  if (names.size < attributes.length) throw invalidSyntax(`"${where}" names an attribute twice`);
  return attributes;
}

function parseAttribute(json: Json, where: string, isSub: boolean): Attribute {
  if (!isObject(json)) throw invalidSyntax(`an attribute of "${where}" must be an object`);
  const { name } = json;
  if (typeof name !== 'string' || !NAME.test(name) || isPolluting(name))
    throw invalidSyntax(`"${where}" has an attribute without a valid name`);
  const place = `${where}.${name}`;
  const type = oneOf(TYPES, json.type ?? 'string', `${place}.type`);
  if (type === 'complex' && isSub)
    throw invalidSyntax(`"${place}" is complex inside a complex attribute (RFC 7643 section 2.3.8)`);
  const made = attribute(name, typeof json.description === 'string' ? json.description : '', {
    type,
    ...(type === 'complex' && { sub: parseAttributes(json.subAttributes, place, true) }),
  });
  return {
    ...made,
    multiValued: flag(json, 'multiValued', place, made.multiValued),
    required: flag(json, 'required', place, made.required),
    caseExact: flag(json, 'caseExact', place, made.caseExact),
    mutability: oneOf(MUTABILITIES, json.mutability ?? made.mutability, `${place}.mutability`),
    returned: oneOf(RETURNED, json.returned ?? made.returned, `${place}.returned`),
    uniqueness: oneOf(UNIQUENESS, json.uniqueness ?? made.uniqueness, `${place}.uniqueness`),
    ...texts(json, 'canonicalValues', place),
    ...texts(json, 'referenceTypes', place),
  };
}

function oneOf<Value extends string>(values: readonly Value[], json: Json, place: string): Value {
  const found = values.find(value => value === json);
  if (!found) throw invalidSyntax(`"${place}" must be one of ${values.join(', ')}`);
  return found;
}

function flag(json: JsonObject, name: string, place: string, otherwise: boolean): boolean {
  const value = json[name] ?? otherwise;
  if (typeof value !== 'boolean') throw invalidSyntax(`"${place}.${name}" must be true or false`);
  return value;
}

function texts(
  json: JsonObject,
  name: 'canonicalValues' | 'referenceTypes',
  place: string,
): Partial<Attribute> {
  const value = json[name];
  if (value === undefined || value === null) return {};
  if (!Array.isArray(value) || !value.every(item => typeof item === 'string'))
    throw invalidSyntax(`"${place}.${name}" must be an array of strings`);
  return { [name]: value };
}

/**
 * A resource type that carries further extensions.
 * @throws ScimError 400 `invalidSyntax` when a schema of that name is there already, or one promises what is not kept
 */
export function withExtensions(type: ResourceType, extensions: readonly Schema[]): ResourceType {
  const ids = [type.schema, ...type.extensions, ...extensions].map(s => s.id.toLowerCase());
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice) throw invalidSyntax(`the schema ${twice} is there already`);
  for (const extension of extensions)
    for (const { name, uniqueness } of extension.attributes)
      if (uniqueness !== 'none')
        throw invalidSyntax(`"${extension.id}:${name}" cannot be kept unique; declare it "none"`);
  return { ...type, extensions: [...type.extensions, ...extensions] };
}
