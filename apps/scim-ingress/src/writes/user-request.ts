import { randomUUID } from 'node:crypto';
import { formerNameOf, type Connection, type NewResource, type StoredResource } from '@sever/directory';
import type { Door } from '@sever/event-contracts';
import type { Queryable } from '@sever/postgres';
import { DialectReading, ScimError, dialectOf, normaliseUserName, type JsonObject } from '@sever/scim';
import type { AsyncRequest } from './async-request.js';
import type { Change } from '../meaning/request-meaning.js';
import { checkWrite, type Preconditions } from './preconditions.js';
import type { Identifiers, Request } from './event-drafts.js';

/** The connection that writes, how its request was read, and whether it waits for what comes of it. */
export type Writer = { connection: Connection; reading: DialectReading; later?: AsyncRequest };

/** A request of a connection that is about to be read. */
export const writerOf = (connection: Connection): Writer => ({
  connection,
  reading: new DialectReading(dialectOf(connection.dialect)),
});

/** Attributes by which a person is known. */
export const IDENTIFIERS: ReadonlySet<string> = new Set(['userName', 'externalId']);

export const notFound = (id: string): ScimError =>
  new ScimError(404, `this connection has no user ${id.slice(0, 80)}`);

/** What all events of a write have in common. */
export function requestOf(writer: Writer, resource: NewResource, operation: Door['operation']): Request {
  const asker = { kind: 'connection', id: writer.connection.id } as const;
  return {
    tenant: resource.tenant,
    subject: resource.subject,
    actor: asker,
    asker,
    door: doorOf(writer, resource, operation),
    source: `/connections/${writer.connection.id}`,
    reason: null,
  };
}

/** The id by which a provider knows the person; null where it says nothing: blanks are nobody's, and must not bring anybody back. */
export const externalIdOf = ({ externalId }: JsonObject): string | null =>
  typeof externalId === 'string' && externalId.trim() !== '' ? externalId : null;

/** The user that a POST asks for, as a person of its own. */
export function newResourceOf({ connection }: Writer, attributes: JsonObject): NewResource {
  return {
    connection: connection.id,
    id: randomUUID(),
    tenant: connection.tenant,
    subject: randomUUID(),
    attributes,
    userNameNorm: normaliseUserName(String(attributes.userName)),
    externalId: externalIdOf(attributes),
    active: attributes.active === true,
  };
}

/** The resource that a write is about. @throws ScimError 404, 412 */
export function matching(
  found: StoredResource | undefined,
  id: string,
  conditions: Preconditions,
): StoredResource {
  if (!found) throw notFound(id);
  checkWrite(conditions, 'user', etag(found));
  return found;
}

/** The entity tag of a stored version (RFC 7644 §3.14). */
export const etag = (resource: StoredResource): string => `W/"${resource.version}"`;

export function identifiersOf(resource: NewResource): Identifiers {
  return {
    userName: String(resource.attributes.userName),
    ...(resource.externalId !== null && { externalId: resource.externalId }),
  };
}

/** By what the systems may know somebody who is cut off now. */
export async function accountsOf(on: Queryable, resource: StoredResource): Promise<Identifiers> {
  const formerUserName = resource.formerName === null ? undefined : await formerNameOf(on, resource);
  return { ...identifiersOf(resource), ...(formerUserName !== undefined && { formerUserName }) };
}

function doorOf(writer: Writer, resource: NewResource, operation: Door['operation']): Door {
  const { id, dialect } = writer.connection;
  return {
    via: 'scim',
    operation,
    connection: id,
    resource: resource.id,
    dialect,
    rules: writer.reading.rules(),
  };
}

export function operationOf(change: Change): Door['operation'] {
  if (change.kind === 'remove') return 'delete';
  if (change.kind === 'create') return 'create';
  if (change.activeBefore === change.activeAfter) return 'update';
  return change.activeAfter ? 'activate' : 'deactivate';
}
