import { isPolluting } from '../json-value.js';
import type { Attribute, ResourceType } from './attribute.js';
import { findAttribute, findSubAttribute } from './resource-schema.js';

/** `urn:…:User:name.givenName` resolved against a type. */
export type AttributePath = {
  extension: string | undefined;
  attribute: Attribute;
  sub: Attribute | undefined;
};

/** Splits a schema URN off an attribute name: the longest known schema id that is a prefix. */
export function splitUrn(type: ResourceType, path: string): { urn: string | undefined; rest: string } {
  const lower = path.toLowerCase();
  for (const schema of [...type.extensions, type.schema]) {
    const id = schema.id.toLowerCase();
    if (lower === id) return { urn: schema.id, rest: '' };
    if (lower.startsWith(`${id}:`) || lower.startsWith(`${id}.`))
      return { urn: schema.id, rest: path.slice(id.length + 1) };
  }
  return { urn: undefined, rest: path };
}

/** Resolves `attribute[.subAttribute]`, optionally qualified; undefined when the schema does not know it. */
export function resolvePath(type: ResourceType, path: string): AttributePath | undefined {
  const { urn, rest } = splitUrn(type, path);
  const [name = '', subName, ...more] = rest.split('.');
  if (more.length > 0 || isPolluting(name) || (subName !== undefined && isPolluting(subName)))
    return undefined;
  const found = findAttribute(type, name, urn);
  if (!found) return undefined;
  if (subName === undefined) return { ...found, sub: undefined };
  const sub = findSubAttribute(found.attribute, subName);
  return sub && { ...found, sub };
}

/** Resolves against several types that one request searches: the first that knows the name. */
export function resolveAmong(types: readonly ResourceType[], path: string): AttributePath | undefined {
  for (const type of types) {
    const found = resolvePath(type, path);
    if (found) return found;
  }
  return undefined;
}
