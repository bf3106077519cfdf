import { randomUUID } from 'node:crypto';
import {
  findResource,
  hasStanding,
  isOpenedTwice,
  standingOpenedBy,
  updateOfVersion,
  updateOfVersionBeforeOptOut,
  type StoredResource,
} from '@sever/directory';
import type { SeverEvent } from '@sever/event-contracts';
import { CHANGED } from '@sever/event-log-postgres';
import { changedAttributes, type JsonObject } from '@sever/scim';
import type { IngressContext } from '../ingress-context.js';
import { commitChange } from './commit.js';
import { EventDraft } from './event-drafts.js';
import { IDENTIFIERS, identifiersOf, matching, requestOf, type Writer } from './user-request.js';

/**
 * Changes that most requests ask for, without a lock: a read, then one statement that changes the version that was read, and appends.
 * An ordinary update is one, and so is the first opt-out of a person.
 */
export class UnlockedUserWrites {
  constructor(private readonly context: IngressContext) {}

  /** @returns undefined when it is no such change, or somebody else was faster: nothing was done then */
  async update(
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
    const attributes = change(before.attributes);
    const changed = changedAttributes(before.attributes, attributes);
    if (changed.length === 0) return before;
    if (changed.some(name => IDENTIFIERS.has(name))) return undefined;
    const after = { ...before, attributes, active: attributes.active === true };
    if (!changed.includes('active')) return this.ordinary(writer, after, changed);
    return before.active && !after.active ? this.firstOptOut(writer, after) : undefined;
  }

  private ordinary(
    writer: Writer,
    after: StoredResource,
    changed: string[],
  ): Promise<StoredResource | undefined> {
    const at = { connection: after.connection, resource: after.id };
    const event = this.draft(writer, after, 'update').updated(at, changed);
    return commitChange(this.context, updateOfVersion(after), event);
  }

  private async firstOptOut(writer: Writer, after: StoredResource): Promise<StoredResource | undefined> {
    const { tenant, subject } = after;
    if (await hasStanding(this.context.dataSource, tenant, subject)) return undefined;
    const draft = this.draft(writer, after, 'deactivate');
    const optOutId = randomUUID();
    const event: SeverEvent = await draft.optOutRequested(optOutId, identifiersOf(after), false);
    const askers = [draft.request.asker];
    const opened = standingOpenedBy(CHANGED, { optOutId, tenant, subject, requestEvent: draft.id, askers });
    try {
      return await commitChange(this.context, updateOfVersionBeforeOptOut(after), event, [opened]);
    } catch (error) {
      if (isOpenedTwice(error)) return undefined;
      throw error;
    }
  }

  private draft(writer: Writer, after: StoredResource, operation: 'update' | 'deactivate'): EventDraft {
    const { manager } = this.context.dataSource;
    return new EventDraft(this.context, manager, requestOf(writer, after, operation));
  }
}
