import { isObject, type Json, type JsonObject } from '../json-value.js';
import { PATCH_SCHEMA } from '../patch/patch-message.js';
import { referencesIn } from './bulk-references.js';
import type { BulkOperation } from './bulk-request.js';

/** An operation that makes a resource without what cannot be named yet, and the PATCH that says it afterwards. */
export type Parted = { now: BulkOperation; later: JsonObject | undefined };

/**
 * Parts a POST so that a circle of references can be followed (RFC 7644 §3.7.1): the resource is made first, and refers afterwards.
 * @param missing bulkIds of resources that are not there yet
 */
export function parted(operation: BulkOperation, missing: ReadonlySet<string>): Parted {
  const { data } = operation;
  if (missing.size === 0 || !isObject(data)) return { now: operation, later: undefined };
  const later: JsonObject[] = [];
  const now = { ...operation, data: without(data, '', missing, later) };
  return { now, later: later.length > 0 ? { schemas: [PATCH_SCHEMA], Operations: later } : undefined };
}

function without(
  data: JsonObject,
  urn: string,
  missing: ReadonlySet<string>,
  later: JsonObject[],
): JsonObject {
  const kept: JsonObject = {};
  for (const [name, value] of Object.entries(data)) {
    const isMissing = (one: Json): boolean =>
      [...referencesIn(one, name)].some(bulkId => missing.has(bulkId));
    const path = urn === '' ? name : `${urn}:${name}`;
    if (!isMissing(value)) kept[name] = value;
    // The attributes of an extension stand in an object of its own.
    else if (isObject(value) && name.includes(':')) kept[name] = without(value, name, missing, later);
    else if (!Array.isArray(value)) later.push({ op: 'add', path, value });
    else {
      kept[name] = value.filter(one => !isMissing(one));
      later.push({ op: 'add', path, value: value.filter(isMissing) });
    }
  }
  return kept;
}
