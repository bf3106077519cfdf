import type { DialectReading } from '../dialect/dialect-reading.js';
import { isObject, isPolluting, type Json } from '../json-value.js';
import { invalidPath, invalidValue, mutability, noTarget } from '../scim-error.js';
import type { ResourceType } from '../schema/attribute.js';
import { discardPassword } from '../schema/canonical-resource.js';
import { unknown } from '../schema/canonical-value.js';
import { findExtension } from '../schema/resource-schema.js';
import type { PatchOperation } from './patch-message.js';
import { parsePatchPath, type PatchPath } from './patch-path.js';

/** An operation on one attribute of the schema, or on a whole extension. */
export type ResolvedOperation =
  | { op: PatchOperation['op']; path: PatchPath; value: Json | undefined }
  | { op: 'remove'; extension: string };

/**
 * Operations in the only shape that the engine knows: each with the attribute that it acts on. Path-less values and extension
 * objects fall apart into their members; what the dialect ignores is gone.
 * @throws ScimError 400 `invalidPath`, `invalidFilter`, `invalidValue`, `invalidSyntax` or `noTarget`
 */
export function resolveOperations(
  operations: readonly PatchOperation[],
  type: ResourceType,
  reading: DialectReading,
): ResolvedOperation[] {
  return operations.flatMap(operation => resolveOne(operation, type, reading));
}

function resolveOne(
  operation: PatchOperation,
  type: ResourceType,
  reading: DialectReading,
): ResolvedOperation[] {
  const { op, path: text, value } = operation;
  if (text === undefined) return resolvePathless(operation, type, reading);
  refusePolluting(text);
  const lower = text.toLowerCase();
  if (lower === 'password' || lower === `${type.schema.id}:password`.toLowerCase()) {
    discardPassword(reading);
    return [];
  }
  if (lower === 'schemas') return resolveSchemas(operation, type, reading);
  if (lower === type.schema.id.toLowerCase()) return resolveMembers('', operation, type, reading);
  const extension = findExtension(type, text);
  if (extension) {
    if (op === 'remove') return [{ op, extension: extension.id }];
    return resolveMembers(`${extension.id}:`, operation, type, reading);
  }
  const path = parsePatchPath(text, type, reading);
  if (path) return [{ op, path, value }];
  if (!reading.grants('unknown-dropped', text))
    throw invalidPath(`the schema has no attribute "${text.slice(0, 100)}"`);
  return [];
}

/** Names that reach into a prototype are refused on every dialect, wherever they stand outside of a filter. */
function refusePolluting(text: string): void {
  for (const segment of text.replace(/\[.*\]/s, '').split(/[.:\s]/))
    if (segment !== '' && isPolluting(segment))
      throw invalidPath(`the name "${segment.slice(0, 40)}" is not allowed in a path`);
}

/** `{"op":"replace","value":{"active":false}}`: each member is an operation of its own. */
function resolvePathless(
  operation: PatchOperation,
  type: ResourceType,
  reading: DialectReading,
): ResolvedOperation[] {
  if (operation.op === 'remove') throw noTarget('"remove" needs a "path"');
  if (!reading.grants('pathless-patch')) throw invalidPath('each operation needs a "path"');
  if (!isObject(operation.value))
    throw invalidValue('without a "path" the "value" must be an object of attributes');
  return Object.entries(operation.value).flatMap(([key, value]) => {
    const isPlain =
      !/[.[]/.test(key) || findExtension(type, key) || key.toLowerCase() === type.schema.id.toLowerCase();
    if (!isPlain && !reading.grants('dotted-keys'))
      throw invalidPath(`the key "${key.slice(0, 100)}" belongs into a "path"`);
    return resolveOne({ op: operation.op, path: key || ' ', value }, type, reading);
  });
}

/** The members of a whole schema's object, one by one. */
function resolveMembers(
  prefix: string,
  operation: PatchOperation,
  type: ResourceType,
  reading: DialectReading,
): ResolvedOperation[] {
  const { op, path, value: members } = operation;
  if (op === 'remove') throw mutability(`"${path ?? ''}" cannot be removed as a whole`);
  if (members === null && prefix !== '') return [{ op: 'remove', extension: prefix.slice(0, -1) }];
  if (!isObject(members)) throw invalidValue(`"${path ?? ''}" must be an object`);
  return Object.entries(members).flatMap(([name, value]) => {
    // Client libraries that keep an extension as an object of its own repeat its name inside of it.
    if (name.toLowerCase() === 'schemas')
      return resolveSchemas({ op, path: undefined, value }, type, reading);
    if (!/[.[:]/.test(name)) return resolveOne({ op, path: `${prefix}${name}`, value }, type, reading);
    unknown(`${prefix}${name}`, reading);
    return [];
  });
}

/** `schemas` follows from what the resource holds: naming known schemas changes nothing. */
function resolveSchemas(
  operation: PatchOperation,
  type: ResourceType,
  reading: DialectReading,
): ResolvedOperation[] {
  if (operation.op === 'remove')
    throw mutability('"schemas" follows from the attributes and cannot be removed');
  const names = Array.isArray(operation.value) ? operation.value : [operation.value ?? null];
  const known = [type.schema, ...type.extensions].map(s => s.id.toLowerCase());
  for (const name of names) {
    if (typeof name !== 'string') throw invalidValue('"schemas" must be an array of schema names');
    if (!known.includes(name.toLowerCase())) unknown(name, reading);
  }
  return [];
}
