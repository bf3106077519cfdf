import type { DialectReading } from '../dialect/dialect.js';
import { isObject, sameJson, type Json, type JsonObject } from '../json-value.js';
import { invalidPath, invalidSyntax, invalidValue, mutability, noTarget } from '../scim-error.js';
import type { ResourceType } from '../schema/attribute.js';
import { discardPassword, exclusivePrimary, unknown } from '../schema/canonical-resource.js';
import { findExtension } from '../schema/resource-schema.js';
import { addAt, removeAt, replaceAt } from './patch-operations.js';
import { parsePatchPath } from './patch-path.js';

export const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
export const PATCH_OPERATIONS_MAX = 1_000;

export type PatchOperation = {
  op: 'add' | 'replace' | 'remove';
  path: string | undefined;
  value: Json | undefined;
};

const OPS: ReadonlySet<string> = new Set(['add', 'replace', 'remove']);

/** Reads a PatchOp message (RFC 7644 §3.5.2). */
export function parsePatch(body: Json, reading: DialectReading): PatchOperation[] {
  if (!isObject(body)) throw invalidSyntax('the body must be a PatchOp message');
  const schemas = body.schemas;
  if (!Array.isArray(schemas) || !schemas.includes(PATCH_SCHEMA))
    throw invalidSyntax(`"schemas" must name ${PATCH_SCHEMA}`);
  const key = Object.keys(body).find(name => name.toLowerCase() === 'operations');
  const operations = key === undefined ? undefined : body[key];
  if (!Array.isArray(operations)) throw invalidSyntax('"Operations" must be an array');
  if (operations.length > PATCH_OPERATIONS_MAX)
    throw invalidSyntax(`at most ${PATCH_OPERATIONS_MAX} operations fit into one PATCH`);
  if (operations.length === 0 && !reading.grants('empty-operations'))
    throw invalidValue('"Operations" must not be empty');
  return operations.map(operation => readOperation(operation, reading));
}

function readOperation(operation: Json, reading: DialectReading): PatchOperation {
  if (!isObject(operation)) throw invalidSyntax('each operation must be an object');
  const { op, path, value } = operation;
  if (typeof op !== 'string') throw invalidSyntax('each operation needs "op"');
  const lower = op.toLowerCase();
  if (!OPS.has(lower))
    throw invalidSyntax(`"${op.slice(0, 40)}" is no PATCH operation; use add, replace or remove`);
  if (lower !== op && !reading.grants('op-any-case')) throw invalidSyntax(`"op" must be "${lower}"`);
  if (path !== undefined && path !== null && typeof path !== 'string')
    throw invalidPath('"path" must be a string');
  if (lower !== 'remove' && value === undefined) throw invalidValue(`"${lower}" needs a "value"`);
  return { op: lower as PatchOperation['op'], path: path || undefined, value };
}

/**
 * Applies operations in order to a copy; one that fails changes nothing (RFC 7644 §3.5.2).
 * @returns the resource afterwards; equal to the one before when nothing changed
 */
export function applyPatch(
  resource: JsonObject,
  operations: readonly PatchOperation[],
  type: ResourceType,
  reading: DialectReading,
): JsonObject {
  const copy = structuredClone(resource);
  for (const operation of operations) applyOne(copy, operation, type, reading);
  return copy;
}

function applyOne(
  resource: JsonObject,
  operation: PatchOperation,
  type: ResourceType,
  reading: DialectReading,
): void {
  if (operation.path === undefined) return applyPathless(resource, operation, type, reading);
  if (operation.path.toLowerCase() === 'password') return discardPassword(reading);
  const extension = findExtension(type, operation.path);
  if (extension) return applyToExtension(resource, extension.id, operation, type, reading);
  const path = parsePatchPath(operation.path, type, reading);
  if (!path) return unknownPath(operation.path, reading);
  const leaf = path.sub ?? path.attribute;
  if (path.attribute.mutability === 'readOnly' || leaf.mutability === 'readOnly')
    return readOnly(resource, leaf.name, operation, reading);
  if (operation.op === 'remove') removeAt(resource, path, operation.value, reading);
  else if (operation.op === 'add') addAt(resource, path, operation.value ?? null, reading);
  else replaceAt(resource, path, operation.value ?? null, reading);
  exclusivePrimary(resource);
}

function unknownPath(path: string, reading: DialectReading): void {
  if (!reading.grants('unknown-dropped'))
    throw invalidPath(`the schema has no attribute "${path.slice(0, 100)}"`);
}

/** Read-only attributes: an error, or ignored where the dialect says so (Okta repeats the id of a group). */
function readOnly(
  resource: JsonObject,
  name: string,
  operation: PatchOperation,
  reading: DialectReading,
): void {
  const same = sameJson(resource[name], operation.value ?? undefined);
  if (reading.dialect.dropsEqualReadOnlyOnly && !same) throw mutability(`"${name}" is read-only`);
  if (!reading.grants('readonly-dropped')) throw mutability(`"${name}" is read-only`);
}

/** `{"op":"replace","value":{"active":false}}`: each member is an operation of its own. */
function applyPathless(
  resource: JsonObject,
  operation: PatchOperation,
  type: ResourceType,
  reading: DialectReading,
): void {
  if (operation.op === 'remove') throw noTarget('"remove" needs a "path"');
  if (!reading.grants('pathless-patch')) throw invalidPath('each operation needs a "path"');
  if (!isObject(operation.value))
    throw invalidValue('without a "path" the "value" must be an object of attributes');
  for (const [key, value] of Object.entries(operation.value)) {
    if (key.toLowerCase() === 'schemas') continue;
    const dotted = (key.includes('.') || key.includes('[')) && !findExtension(type, key);
    if (dotted && !reading.grants('dotted-keys'))
      throw invalidPath(`the key "${key.slice(0, 100)}" belongs into a "path"`);
    applyOne(resource, { op: operation.op, path: key, value }, type, reading);
  }
}

/** A whole extension as path: its members one by one, or its removal. */
function applyToExtension(
  resource: JsonObject,
  id: string,
  operation: PatchOperation,
  type: ResourceType,
  reading: DialectReading,
): void {
  if (operation.op === 'remove') {
    delete resource[id];
    return;
  }
  if (!isObject(operation.value)) throw invalidValue(`"${id}" must be an object`);
  for (const [name, value] of Object.entries(operation.value)) {
    const known = type.extensions
      .find(e => e.id === id)
      ?.attributes.find(a => a.name.toLowerCase() === name.toLowerCase());
    if (!known) unknown(`${id}:${name}`, reading);
    else applyOne(resource, { op: operation.op, path: `${id}:${name}`, value }, type, reading);
  }
}
