import type { DialectReading } from '../dialect/dialect-reading.js';
import { isPolluting } from '../json-value.js';
import type { Attribute, ResourceType } from './attribute.js';
import { findAttribute, findBareAttribute, findSubAttribute } from './resource-schema.js';

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

/** As {@link resolvePath}, for what a request names: some dialects leave out the URN of an extension. */
export function resolveNamed(
  type: ResourceType,
  path: string,
  reading: DialectReading,
): AttributePath | undefined {
  return resolvePath(type, path) ?? resolveBare(type, path, reading);
}

function resolveBare(type: ResourceType, path: string, reading: DialectReading): AttributePath | undefined {
  const extension = findBareAttribute(type, path.split('.', 1)[0] ?? '')?.extension;
  const found = extension === undefined ? undefined : resolvePath(type, `${extension}:${path}`);
  return found && reading.grants('bare-extension-name') ? found : undefined;
}

/** Resolves against several types that one request searches: the first that knows the name. */
export function resolveAmong(types: readonly ResourceType[], path: string): AttributePath | undefined {
  for (const type of types) {
    const found = resolvePath(type, path);
    if (found) return found;
  }
  return undefined;
}

/** As {@link resolveAmong}, for what a request names: what any type has at its top comes before an extension of another one. */
export function resolveNamedAmong(
  types: readonly ResourceType[],
  path: string,
  reading: DialectReading,
): AttributePath | undefined {
  const found = resolveAmong(types, path);
  if (found) return found;
  for (const type of types) {
    const bare = resolveBare(type, path, reading);
    if (bare) return bare;
  }
  return undefined;
}
