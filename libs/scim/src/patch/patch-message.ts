import type { DialectReading } from '../dialect/dialect-reading.js';
import { isObject, type Json } from '../json-value.js';
import { membersNamed, readMessage } from '../message/message-members.js';
import { invalidPath, invalidSyntax, invalidValue } from '../scim-error.js';

export const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
export const PATCH_OPERATIONS_MAX = 1_000;

export type PatchOperation = {
  op: 'add' | 'replace' | 'remove';
  path: string | undefined;
  value: Json | undefined;
};

const OPS: ReadonlySet<string> = new Set(['add', 'replace', 'remove']);

/**
 * Reads a PatchOp message (RFC 7644 §3.5.2).
 * @throws ScimError 400 `invalidSyntax`, `invalidPath` or `invalidValue` for another shape than the dialect grants
 */
export function parsePatch(body: Json, reading: DialectReading): PatchOperation[] {
  const { Operations: operations } = readMessage(body, PATCH_SCHEMA, ['Operations']);
  if (!Array.isArray(operations)) throw invalidSyntax('"Operations" must be an array');
  if (operations.length > PATCH_OPERATIONS_MAX)
    throw invalidSyntax(`at most ${PATCH_OPERATIONS_MAX} operations fit into one PATCH`);
  if (operations.length === 0 && !reading.grants('empty-operations'))
    throw invalidValue('"Operations" must not be empty');
  return operations.map(operation => readOperation(operation, reading));
}

function readOperation(operation: Json, reading: DialectReading): PatchOperation {
  if (!isObject(operation)) throw invalidSyntax('each operation must be an object');
  const { op, path, value } = membersNamed(operation, ['op', 'path', 'value']);
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
