import { Injectable } from '@nestjs/common';
import {
  createSubject,
  findResource,
  insertResource,
  linkedSubject,
  lockStanding,
  removeResource,
  renameSubject,
  updateResource,
  withoutRetiredAskers,
  type StoredResource,
} from '@sever/directory';
import type { SeverEvent } from '@sever/event-contracts';
import { isUniqueViolation } from '@sever/postgres';
import { changedAttributes, normaliseUserName, type JsonObject } from '@sever/scim';
import type { EntityManager } from 'typeorm';
import { IngressContext } from '../ingress-context.js';
import { requestMeaning, type Change } from '../meaning/request-meaning.js';
import type { Preconditions } from './preconditions.js';
import { commitWrite } from './commit.js';
import { EventDraft } from './event-drafts.js';
import { carryOut } from './meaning-effects.js';
import { arriving, leaveToOperator, UndecidedArrival, uniqueness } from './user-arrival.js';
import { SharedCreations } from './shared-creations.js';
import { UnlockedUserWrites } from './unlocked-user-writes.js';
import {
  IDENTIFIERS,
  accountsOf,
  etag,
  externalIdOf,
  identifiersOf,
  matching,
  newResourceOf,
  operationOf,
  requestOf,
  type Writer,
} from './user-request.js';

/** Writes of SCIM Users: each accepted change is one transaction with one event. */
@Injectable()
export class UserWrites {
  private readonly unlocked: UnlockedUserWrites;
  private readonly creations: SharedCreations;

  constructor(private readonly context: IngressContext) {
    this.unlocked = new UnlockedUserWrites(context);
    this.creations = new SharedCreations(context);
  }

  /** POST: a new resource, or the return of somebody inactive in place (rehire). @throws ScimError 409 */
  async create(writer: Writer, attributes: JsonObject): Promise<StoredResource> {
    try {
      return (
        (writer.later ? undefined : await this.creations.create(writer, attributes)) ??
        (await this.commit(writer, '201', em => this.createIn(em, writer, attributes)))
      );
    } catch (error) {
      // Two equal POSTs at once: the unique index decides.
      if (isUniqueViolation(error)) throw uniqueness();
      if (error instanceof UndecidedArrival) throw await leaveToOperator(this.context, error);
      throw error;
    }
  }

  /**
   * PUT and PATCH: `change` gives the attributes afterwards.
   * @throws ScimError 404, 412 when a precondition does not hold, 409 when the new userName is taken
   */
  async update(
    writer: Writer,
    id: string,
    conditions: Preconditions,
    change: (before: JsonObject) => JsonObject,
  ): Promise<StoredResource> {
    try {
      return (
        (writer.later ? undefined : await this.unlocked.update(writer, id, conditions, change)) ??
        (await this.commit(writer, '200', async em => {
          const before = await this.locked(em, writer, id, conditions);
          return this.updateIn(em, writer, before, change(before.attributes));
        }))
      );
    } catch (error) {
      if (isUniqueViolation(error)) throw uniqueness();
      throw error;
    }
  }

  /** DELETE: the resource is gone for its connection, the person is opted out. */
  async remove(writer: Writer, id: string, conditions: Preconditions): Promise<void> {
    await this.commit(writer, '204', async em => {
      const before = await this.locked(em, writer, id, conditions);
      const change: Change = {
        kind: 'remove',
        activeBefore: before.active,
        activeAfter: false,
        identifiersChanged: false,
        attributes: [],
        linked: false,
      };
      await removeResource(em, before.connection, before.id);
      return { result: before, event: await this.tell(em, writer, before, change) };
    });
  }

  /** @param status what the write is answered with, told later to a client that does not wait */
  private async commit(
    writer: Writer,
    status: '200' | '201' | '204',
    write: (em: EntityManager) => Promise<{ result: StoredResource; event: SeverEvent | undefined }>,
  ): Promise<StoredResource> {
    const stored = await commitWrite(this.context, async em => {
      const written = await write(em);
      const version = status === '204' ? null : etag(written.result);
      await writer.later?.remember(em, written.event, {
        uri: `/Users/${written.result.id}`,
        version,
        status,
      });
      return written;
    });
    // A client that never fetches would leave rows for ever.
    if (writer.later) void this.context.completionExpiry.beside();
    return stored;
  }

  private async createIn(
    em: EntityManager,
    writer: Writer,
    attributes: JsonObject,
  ): Promise<{ result: StoredResource; event: SeverEvent | undefined }> {
    const returning = await arriving(em, writer.connection, attributes);
    if (returning) return this.updateIn(em, writer, returning, attributes);
    const asked = newResourceOf(writer, attributes);
    const { tenant, connection, userNameNorm } = asked;
    const linked = await linkedSubject(em, tenant, connection, userNameNorm);
    const subject = linked ?? (await createSubject(em, tenant, userNameNorm)).id;
    const stored = await insertResource(em, { ...asked, subject });
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

  private async updateIn(
    em: EntityManager,
    writer: Writer,
    before: StoredResource,
    after: JsonObject,
  ): Promise<{ result: StoredResource; event: SeverEvent | undefined }> {
    const attributes = changedAttributes(before.attributes, after);
    if (attributes.length === 0) return { result: before, event: undefined };
    const userNameNorm = normaliseUserName(String(after.userName));
    const becomesActive = !before.active && after.active === true;
    const formerName = normaliseUserName(String(before.attributes.userName));
    const stored = await updateResource(em, {
      ...before,
      attributes: after,
      // An inactive user whose name went to somebody else wants it back.
      userNameNorm: attributes.includes('userName') || becomesActive ? userNameNorm : before.userNameNorm,
      externalId: externalIdOf(after),
      active: after.active === true,
      formerName: formerName === userNameNorm ? before.formerName : formerName,
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
    conditions: Preconditions,
  ): Promise<StoredResource> {
    return matching(await findResource(em, writer.connection.id, id), id, conditions);
  }

  /** The event of a change. The person's opt-out is looked at only when the change could concern it. */
  private async tell(
    em: EntityManager,
    writer: Writer,
    resource: StoredResource,
    change: Change,
  ): Promise<SeverEvent | undefined> {
    const concerns = change.kind === 'remove' || change.linked || change.activeBefore !== change.activeAfter;
    const stands = concerns ? await lockStanding(em, resource.tenant, resource.subject) : undefined;
    const returns = change.kind !== 'remove' && change.activeBefore !== true && change.activeAfter;
    const standing = stands && returns ? await withoutRetiredAskers(em, stands) : stands;
    const asker = { kind: 'connection', id: writer.connection.id } as const;
    const meaning = requestMeaning(change, standing, asker);
    const identifiers = identifiersOf(resource);
    const attributes = [...change.attributes];
    const request = requestOf(writer, resource, operationOf(change));
    const draft = new EventDraft(this.context, this.context.encryptIn(em), {
      ...request,
      ...(change.identifiersChanged && { changed: { identifiers, attributes } }),
    });
    return carryOut(em, this.context.governor, meaning, standing, draft, {
      connection: resource.connection,
      resource: resource.id,
      identifiers: meaning.kind === 'requested' ? await accountsOf(em, resource) : identifiers,
      active: resource.active,
      removed: change.kind === 'remove',
      attributes,
    });
  }
}
