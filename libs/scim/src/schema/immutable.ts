import { isObject, sameJson, type JsonObject } from '../json-value.js';
import { mutability } from '../scim-error.js';
import type { Attribute, ResourceType } from './attribute.js';

/**
 * The resource of a PUT with the immutable values that it leaves out (RFC 7644 §3.5.1).
 * @throws ScimError 400 `mutability` when it names another value than the one that is set
 */
export function withImmutable(before: JsonObject, after: JsonObject, type: ResourceType): JsonObject {
  const result = keepValues(before, after, type.schema.attributes);
  for (const extension of type.extensions) {
    const old = before[extension.id];
    if (!isObject(old)) continue;
    const now = result[extension.id];
    const kept = keepValues(old, isObject(now) ? now : {}, extension.attributes);
    if (Object.keys(kept).length > 0) result[extension.id] = kept;
  }
  return result;
}

function keepValues(before: JsonObject, after: JsonObject, attributes: readonly Attribute[]): JsonObject {
  const result = { ...after };
  for (const attribute of attributes) {
    const [old, now] = [before[attribute.name], after[attribute.name]];
    if (old === undefined) continue;
    if (attribute.mutability === 'immutable') {
      if (now !== undefined && !sameJson(old, now))
        throw mutability(`"${attribute.name}" cannot be changed once it is set`);
      result[attribute.name] = old;
    } else if (isObject(old) && isObject(now))
      // Inside a complex value; elements of a multi-valued one come and go as a whole.
      result[attribute.name] = keepValues(old, now, attribute.subAttributes);
  }
  return result;
}
