import { isObject, type Json } from '../json-value.js';
import { membersNamed, readMessage } from '../message/message-members.js';
import { ScimError, invalidSyntax, invalidValue } from '../scim-error.js';

export const BULK_REQUEST_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
/** Most operations of one request; more are refused with 413 (RFC 7644 §3.7.4). */
export const BULK_OPERATIONS_MAX = 1_000;
/** Most bytes of one request. */
export const BULK_BYTES_MAX = 1_048_576;

const METHODS = ['POST', 'PUT', 'PATCH', 'DELETE'] as const;
const MEMBERS = ['method', 'path', 'bulkId', 'version', 'data'] as const;
type Given = Partial<Record<(typeof MEMBERS)[number], Json>>;
export type BulkMethod = (typeof METHODS)[number];

/** One operation of a bulk request (RFC 7644 §3.7). */
export type BulkOperation = {
  method: BulkMethod;
  /** Endpoint without slashes, as one of the served types spells it. */
  endpoint: string;
  /** What stands behind the endpoint: an id, `bulkId:…`, or nothing for POST. */
  id: string | undefined;
  bulkId: string | undefined;
  /** The expected version, as in `If-Match`. */
  version: string | undefined;
  data: Json;
};

/** What an operation is about: an endpoint, and what stands behind it. */
export type BulkAddress = Pick<BulkOperation, 'endpoint' | 'id'>;

/** An operation as it was read, or why it cannot be carried out; either way with what its answer repeats. */
export type BulkEntry = {
  said: { method: string; bulkId: string | undefined; address?: BulkAddress };
  read: BulkOperation | ScimError;
};

/** `failOnErrors`: after so many errors nothing more is done; undefined: everything is tried. */
export type BulkRequest = { failOnErrors: number | undefined; entries: BulkEntry[] };

/**
 * Reads a bulk request. What is wrong with one operation is that operation's answer and nobody else's.
 * @param endpoints of the types that are served, for example `Users`
 * @throws ScimError 400 `invalidSyntax` when it is no bulk request, 413 when it holds too many operations
 */
export function parseBulk(body: Json, endpoints: readonly string[]): BulkRequest {
  const { Operations: operations, failOnErrors } = readMessage(body, BULK_REQUEST_SCHEMA, [
    'Operations',
    'failOnErrors',
  ]);
  if (!Array.isArray(operations)) throw invalidSyntax('"Operations" must be an array');
  if (operations.length > BULK_OPERATIONS_MAX)
    throw new ScimError(
      413,
      `at most ${BULK_OPERATIONS_MAX} operations fit in one request, these are ${operations.length}`,
      undefined,
      'bulk.too-many',
    );
  return { failOnErrors: errorsAllowed(failOnErrors), entries: entriesOf(operations, endpoints) };
}

function errorsAllowed(value: Json | undefined): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1)
    throw invalidValue('"failOnErrors" must be an integer from 1 on');
  return value;
}

function entriesOf(operations: readonly Json[], endpoints: readonly string[]): BulkEntry[] {
  const bulkIds = new Set<string>();
  return operations.map(operation => {
    let said: BulkEntry['said'] = { method: '', bulkId: undefined };
    try {
      const given = membersNamed(isObject(operation) ? operation : {}, MEMBERS);
      const method = typeof given.method === 'string' ? given.method.toUpperCase() : '';
      const bulkId = typeof given.bulkId === 'string' ? given.bulkId : undefined;
      said = { method, bulkId };
      if (bulkId !== undefined && bulkIds.has(bulkId))
        throw invalidValue(`the bulkId "${bulkId.slice(0, 80)}" stands there twice`);
      if (bulkId !== undefined) bulkIds.add(bulkId);
      return { said, read: operationOf(given, said, endpoints) };
    } catch (error) {
      if (error instanceof ScimError) return { said, read: error };
      throw error;
    }
  });
}

function operationOf(given: Given, said: BulkEntry['said'], endpoints: readonly string[]): BulkOperation {
  const method = METHODS.find(name => name === said.method);
  if (!method) throw invalidSyntax(`"method" must be one of ${METHODS.join(', ')}`);
  const address = addressOf(given.path, method, endpoints);
  said.address = address;
  if (method === 'POST' && !said.bulkId) throw invalidSyntax('a POST needs a "bulkId"');
  if (method !== 'DELETE' && given.data === undefined) throw invalidSyntax(`a ${method} needs "data"`);
  const { version } = given;
  if (version !== undefined && version !== null && typeof version !== 'string')
    throw invalidValue('"version" must be a string');
  return {
    method,
    ...address,
    bulkId: said.bulkId,
    version: version ?? undefined,
    data: given.data ?? null,
  };
}

function addressOf(path: Json | undefined, method: BulkMethod, endpoints: readonly string[]): BulkAddress {
  const [, name = '', id] = (typeof path === 'string' && /^\/?([^/?]+)(?:\/([^/?]+))?\/?$/.exec(path)) || [];
  const endpoint = endpoints.find(known => known.toLowerCase() === name.toLowerCase());
  if (!endpoint)
    throw invalidValue(`"path" must begin with one of ${endpoints.map(known => `/${known}`).join(', ')}`);
  if (method === 'POST' && id !== undefined) throw invalidValue('the "path" of a POST names no resource');
  if (method !== 'POST' && id === undefined)
    throw invalidValue(`the "path" of a ${method} must name a resource: /${endpoint}/{id}`);
  return { endpoint, id: id === undefined ? undefined : decoded(id) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalidValue('"path" is not a valid address');
  }
}
