import type { DialectReading } from '../dialect/dialect-reading.js';
import { isObject, sameJson, type Json, type JsonObject } from '../json-value.js';
import { mutability } from '../scim-error.js';
import type { ResourceType } from '../schema/attribute.js';
import type { PatchOperation } from './patch-message.js';
import { removeAt, setAt } from './patch-operations.js';
import type { PatchPath } from './patch-path.js';
import { resolveOperations, type ResolvedOperation } from './resolve-operations.js';

/**
 * Applies operations in order to a copy; one that fails changes nothing (RFC 7644 §3.5.2).
 * @param resource in canonical form, as stored
 * @param served what the service adds for clients (`id`, `meta`): a client that repeats it has not tried to change it
 * @returns the resource afterwards; equal to the one before when nothing changed
 * @throws ScimError 400 with the `scimType` of RFC 7644 §3.5.2
 */
export function applyPatch(
  resource: JsonObject,
  operations: readonly PatchOperation[],
  type: ResourceType,
  reading: DialectReading,
  served: JsonObject = {},
): JsonObject {
  return applyResolved(resource, resolveOperations(operations, type, reading), type, reading, served);
}

/** As {@link applyPatch}, for operations that are resolved already. */
export function applyResolved(
  resource: JsonObject,
  operations: readonly ResolvedOperation[],
  type: ResourceType,
  reading: DialectReading,
  served: JsonObject = {},
): JsonObject {
  const copy = structuredClone(resource);
  for (const operation of operations) applyOne(copy, operation, { type, reading, served });
  return copy;
}

type Context = { type: ResourceType; reading: DialectReading; served: JsonObject };

function applyOne(resource: JsonObject, operation: ResolvedOperation, context: Context): void {
  if ('extension' in operation) return removeExtension(resource, operation.extension, context.type);
  const { op, path, value } = operation;
  const leaf = path.sub ?? path.attribute;
  if (path.attribute.mutability === 'readOnly' || leaf.mutability === 'readOnly')
    return readOnly(resource, path, value, context);
  if (op === 'remove' || value === null || value === undefined) refuseSilence(path);
  if (op === 'remove') removeAt(resource, path, value, context.reading);
  else setAt(resource, { op, path, reading: context.reading }, value ?? null);
}

/** Whether a person may go on is never left unsaid: a missing `active` would be read as "no" by some and "yes" by others. */
function refuseSilence(path: PatchPath): void {
  if (path.attribute.name === 'active' && !path.extension)
    throw mutability('"active" cannot be removed; replace it with true or false');
}

function removeExtension(resource: JsonObject, id: string, type: ResourceType): void {
  const held = resource[id];
  const fixed = type.extensions
    .find(e => e.id === id)
    ?.attributes.find(
      a => isObject(held) && held[a.name] !== undefined && (a.required || a.mutability === 'immutable'),
    );
  if (fixed) throw mutability(`"${id}:${fixed.name}" cannot be removed`);
  delete resource[id];
}

/** Read-only attributes: an error, or ignored where the dialect says so (Okta repeats the id of a group). */
function readOnly(
  resource: JsonObject,
  path: PatchPath,
  value: Json | undefined,
  { reading, served }: Context,
): void {
  const name = path.sub ? `${path.attribute.name}.${path.sub.name}` : path.attribute.name;
  const current = { ...served, ...resource }[path.attribute.name];
  const held = path.sub && isObject(current) ? current[path.sub.name] : current;
  if (reading.dialect.dropsEqualReadOnlyOnly && !sameJson(held, value ?? undefined))
    throw mutability(`"${name}" is read-only`);
  if (!reading.grants('readonly-dropped')) throw mutability(`"${name}" is read-only`);
}
