import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  createSubject,
  findByExternalId,
  findByUserName,
  findResource,
  insertResource,
  linkedSubject,
  lockStanding,
  removeResource,
  renameSubject,
  updateOfVersion,
  updateResource,
  type Connection,
  type StoredResource,
} from '@sever/directory';
import type { Door, SeverEvent } from '@sever/event-contracts';
import { isUniqueViolation } from '@sever/postgres';
import {
  ScimError,
  changedAttributes,
  normaliseUserName,
  type DialectReading,
  type JsonObject,
} from '@sever/scim';
import type { EntityManager } from 'typeorm';
import { IngressContext } from '../ingress-context.js';
import { requestMeaning, type Change } from '../meaning/request-meaning.js';
import { commitChange, commitWrite } from './commit.js';
import { EventDraft, type Identifiers, type Request } from './event-drafts.js';
import { carryOut } from './meaning-effects.js';

/** The connection that writes and how its request was read. */
export type Writer = { connection: Connection; reading: DialectReading };

const IDENTIFIERS: ReadonlySet<string> = new Set(['userName', 'externalId']);

const uniqueness = (): ScimError =>
  new ScimError(409, 'another user of this connection has this userName', 'uniqueness');
export const notFound = (id: string): ScimError =>
  new ScimError(404, `this connection has no user ${id.slice(0, 80)}`);

/** Writes of SCIM Users: each accepted change is one transaction with one event. */
@Injectable()
export class UserWrites {
  constructor(private readonly context: IngressContext) {}

  /** POST: a new resource, or the return of the one inactive resource with the same `externalId` (rehire in place). */
  async create(writer: Writer, attributes: JsonObject): Promise<StoredResource> {
    try {
      return await commitWrite(this.context, em => this.createIn(em, writer, attributes));
    } catch (error) {
      // Two equal POSTs at once: the unique index decides.
      if (isUniqueViolation(error)) throw uniqueness();
      throw error;
    }
  }

  /**
   * PUT and PATCH: `change` gives the attributes afterwards. `isOrdinary` is a guess, right or wrong: whether it will concern no opt-out.
   * @throws ScimError 404, 412 when `If-Match` names another version, 409 when the new userName is taken
   */
  async update(
    writer: Writer,
    id: string,
    ifMatch: string | undefined,
    change: (before: JsonObject) => JsonObject,
    o: { isOrdinary: boolean },
  ): Promise<StoredResource> {
    try {
      return (
        (o.isOrdinary ? await this.updateOrdinary(writer, id, ifMatch, change) : undefined) ??
        (await commitWrite(this.context, async em => {
          const before = await this.locked(em, writer, id, ifMatch);
          return this.updateIn(em, writer, before, change(before.attributes));
        }))
      );
    } catch (error) {
      if (isUniqueViolation(error)) throw uniqueness();
      throw error;
    }
  }

  /**
   * A change that concerns neither the person's identity nor an opt-out, which most are: a read, then one statement that changes
   * the version that was read and appends.
   * @returns undefined when it is no such change, or somebody else was faster: nothing was done then
   */
  private async updateOrdinary(
    writer: Writer,
    id: string,
    ifMatch: string | undefined,
    change: (before: JsonObject) => JsonObject,
  ): Promise<StoredResource | undefined> {
    const before = matching(
      await findResource(this.context.dataSource, writer.connection.id, id),
      id,
      ifMatch,
    );
    const after = change(before.attributes);
    const attributes = changedAttributes(before.attributes, after);
    if (attributes.length === 0) return before;
    if (attributes.some(name => name === 'active' || IDENTIFIERS.has(name))) return undefined;
    const event = new EventDraft(
      this.context,
      this.context.dataSource.manager,
      this.request(writer, before, 'update'),
    ).updated({ connection: before.connection, resource: before.id }, attributes);
    return commitChange(this.context, updateOfVersion({ ...before, attributes: after }), event);
  }

  /** DELETE: the resource is gone for its connection, the person is opted out. */
  async remove(writer: Writer, id: string, ifMatch: string | undefined): Promise<void> {
    await commitWrite(this.context, async em => {
      const before = await this.locked(em, writer, id, ifMatch);
      const change: Change = {
        kind: 'remove',
        activeBefore: before.active,
        activeAfter: false,
        identifiersChanged: false,
        attributes: [],
        linked: false,
      };
      await removeResource(em, before.connection, before.id);
      return { result: undefined, event: await this.tell(em, writer, before, change) };
    });
  }

  private async createIn(
    em: EntityManager,
    writer: Writer,
    attributes: JsonObject,
  ): Promise<{ result: StoredResource; event: SeverEvent | undefined }> {
    const { connection } = writer;
    const userNameNorm = normaliseUserName(String(attributes.userName));
    const sameName = await findByUserName(em, connection.id, userNameNorm);
    if (sameName?.active) throw uniqueness();
    const returning = await this.returningResource(em, connection, attributes);
    if (returning) return this.updateIn(em, writer, returning, attributes);
    if (sameName) await this.releaseName(em, sameName);
    const linked = await linkedSubject(em, connection.tenant, connection.id, userNameNorm);
    const subject = linked ?? (await createSubject(em, connection.tenant, userNameNorm)).id;
    const stored = await insertResource(em, {
      connection: connection.id,
      id: randomUUID(),
      tenant: connection.tenant,
      subject,
      attributes,
      userNameNorm,
      externalId: typeof attributes.externalId === 'string' ? attributes.externalId : null,
      active: attributes.active === true,
    });
    const change: Change = {
      kind: 'create',
      activeBefore: undefined,
      activeAfter: stored.active,
      identifiersChanged: true,
      attributes: Object.keys(attributes),
      linked: linked !== undefined,
    };
    return { result: stored, event: await this.tell(em, writer, stored, change) };
  }

  /** Exactly one resource with the same externalId, and it is inactive: the same person comes back. */
  private async returningResource(
    em: EntityManager,
    connection: Connection,
    attributes: JsonObject,
  ): Promise<StoredResource | undefined> {
    if (typeof attributes.externalId !== 'string' || attributes.active !== true) return undefined;
    const found = await findByExternalId(em, connection.id, attributes.externalId);
    return found.length === 1 && found[0] && !found[0].active ? found[0] : undefined;
  }

  /** An inactive namesake with another externalId is somebody else: the name goes to the newcomer, nothing is inherited. */
  private async releaseName(em: EntityManager, old: StoredResource): Promise<void> {
    const released = `${old.userNameNorm}#released-${old.id}`;
    await updateResource(em, { ...old, userNameNorm: released });
  }

  private async updateIn(
    em: EntityManager,
    writer: Writer,
    before: StoredResource,
    after: JsonObject,
  ): Promise<{ result: StoredResource; event: SeverEvent | undefined }> {
    const attributes = changedAttributes(before.attributes, after);
    if (attributes.length === 0) return { result: before, event: undefined };
    const userNameNorm = normaliseUserName(String(after.userName));
    const stored = await updateResource(em, {
      ...before,
      attributes: after,
      userNameNorm: attributes.includes('userName') ? userNameNorm : before.userNameNorm,
      externalId: typeof after.externalId === 'string' ? after.externalId : null,
      active: after.active === true,
    });
    if (attributes.includes('userName')) await renameSubject(em, before.subject, userNameNorm);
    const change: Change = {
      kind: 'update',
      activeBefore: before.active,
      activeAfter: stored.active,
      identifiersChanged: attributes.some(name => IDENTIFIERS.has(name)),
      attributes,
      linked: false,
    };
    return { result: stored, event: await this.tell(em, writer, stored, change) };
  }

  private async locked(
    em: EntityManager,
    writer: Writer,
    id: string,
    ifMatch: string | undefined,
  ): Promise<StoredResource> {
    return matching(await findResource(em, writer.connection.id, id, { lock: true }), id, ifMatch);
  }

  /** The event of a change. The person's opt-out is looked at only when the change could concern it. */
  private async tell(
    em: EntityManager,
    writer: Writer,
    resource: StoredResource,
    change: Change,
  ): Promise<SeverEvent | undefined> {
    const concerns = change.kind === 'remove' || change.linked || change.activeBefore !== change.activeAfter;
    const standing = concerns ? await lockStanding(em, resource.tenant, resource.subject) : undefined;
    const asker = { kind: 'connection', id: writer.connection.id } as const;
    const meaning = requestMeaning(change, standing, asker);
    const draft = new EventDraft(this.context, em, this.request(writer, resource, operationOf(change)));
    return carryOut(em, meaning, standing, draft, {
      connection: resource.connection,
      resource: resource.id,
      identifiers: identifiersOf(resource),
      active: resource.active,
      removed: change.kind === 'remove',
      attributes: [...change.attributes],
    });
  }

  private request(writer: Writer, resource: StoredResource, operation: Door['operation']): Request {
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
}

/** The resource that a write is about. @throws ScimError 404, 412 */
function matching(
  found: StoredResource | undefined,
  id: string,
  ifMatch: string | undefined,
): StoredResource {
  if (!found) throw notFound(id);
  if (ifMatch !== undefined && ifMatch !== '*' && ifMatch !== etag(found))
    throw new ScimError(412, `the user has version ${etag(found)}; read it again and repeat the change`);
  return found;
}

/** The entity tag of a stored version (RFC 7644 §3.14). */
export const etag = (resource: StoredResource): string => `W/"${resource.version}"`;

function identifiersOf(resource: StoredResource): Identifiers {
  return {
    userName: String(resource.attributes.userName),
    ...(resource.externalId !== null && { externalId: resource.externalId }),
  };
}

function doorOf(writer: Writer, resource: StoredResource, operation: Door['operation']): Door {
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

function operationOf(change: Change): Door['operation'] {
  if (change.kind === 'remove') return 'delete';
  if (change.kind === 'create') return 'create';
  if (change.activeBefore === change.activeAfter) return 'update';
  return change.activeAfter ? 'activate' : 'deactivate';
}
