import { isObject, type Json } from '../json-value.js';
import type { BulkOperation } from './bulk-request.js';

const PREFIX = 'bulkId:';

/** The bulkIds whose resources an operation names, in its data or its path (RFC 7644 §3.7.2). */
export function referencesOf({ id, data }: BulkOperation): Set<string> {
  const found = new Set<string>();
  walk(data, text => {
    found.add(text.slice(PREFIX.length));
    return text;
  });
  if (id?.startsWith(PREFIX)) found.add(id.slice(PREFIX.length));
  return found;
}

/** The operation with the ids of the resources in the place of their bulkIds. */
export function withIds(operation: BulkOperation, ids: ReadonlyMap<string, string>): BulkOperation {
  const named = (text: string): string => ids.get(text.slice(PREFIX.length)) ?? text;
  const { id } = operation;
  return {
    ...operation,
    id: id?.startsWith(PREFIX) ? named(id) : id,
    data: walk(operation.data, named),
  };
}

function walk(value: Json, named: (text: string) => string): Json {
  if (typeof value === 'string') return value.startsWith(PREFIX) ? named(value) : value;
  if (Array.isArray(value)) return value.map(item => walk(item, named));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, walk(member, named)]));
}
