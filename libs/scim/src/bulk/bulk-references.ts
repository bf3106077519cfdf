import { isObject, type Json, type JsonObject } from '../json-value.js';
import type { BulkOperation } from './bulk-request.js';

const PREFIX = 'bulkId:';

/** Where a resource is named by its id: elsewhere the text is somebody's data. A manager may be said without an object around it. */
const NAMED_HERE = /^(?:value|\$ref|(?:.*:)?manager)$/i;

/** The bulkIds whose resources an operation names, in its data or its path (RFC 7644 §3.7.2). */
export function referencesOf({ id, data }: BulkOperation): Set<string> {
  const found = referencesIn(data);
  if (id?.startsWith(PREFIX)) found.add(id.slice(PREFIX.length));
  return found;
}

/** The bulkIds that a piece of data names. @param member the name under which it stands */
export function referencesIn(data: Json, member = ''): Set<string> {
  const found = new Set<string>();
  walk(data, member, bulkId => {
    found.add(bulkId);
    return undefined;
  });
  return found;
}

/** The operation with the ids of the resources in the place of their bulkIds. */
export function withIds(operation: BulkOperation, ids: ReadonlyMap<string, string>): BulkOperation {
  const { id } = operation;
  return {
    ...operation,
    id: idOf(id, ids),
    data: walk(operation.data, '', bulkId => ids.get(bulkId)),
  };
}

/** The id that stands in a path, or that of the resource whose bulkId stands there. */
export const idOf = (text: string | undefined, ids: ReadonlyMap<string, string>): string | undefined =>
  text?.startsWith(PREFIX) ? (ids.get(text.slice(PREFIX.length)) ?? text) : text;

/** @param id what takes the place of a bulkId; nothing: it stays */
function walk(value: Json, member: string, id: (bulkId: string) => string | undefined): Json {
  if (typeof value === 'string') return NAMED_HERE.test(member) ? named(value, member, id) : value;
  if (Array.isArray(value)) return value.map(item => walk(item, member, id));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [name, walk(one, name, id)]),
  ) as JsonObject;
}

/** `bulkId:…`, which in a `$ref` may stand at the end of an address. */
function named(text: string, member: string, id: (bulkId: string) => string | undefined): string {
  const at = member.toLowerCase() === '$ref' ? text.lastIndexOf('/') + 1 : 0;
  if (!text.startsWith(PREFIX, at)) return text;
  const found = id(text.slice(at + PREFIX.length));
  return found === undefined ? text : text.slice(0, at) + found;
}
