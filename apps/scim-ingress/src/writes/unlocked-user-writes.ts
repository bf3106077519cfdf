import { isOpenedTwice, type StoredResource } from '@sever/directory';
import { changedAttributes, type JsonObject } from '@sever/scim';
import type { IngressContext } from '../ingress-context.js';
import type { Preconditions } from './preconditions.js';
import { EventDraft } from './event-drafts.js';
import { newStanding } from './meaning-effects.js';
import { SharedChanges, type ToldChange } from './shared-changes.js';
import { IDENTIFIERS, accountsOf, matching, requestOf, type Writer } from './user-request.js';

/**
 * Changes that most requests ask for, without a lock: a read, then one statement that changes the version that was read, and appends. Both are shared
 * by the requests that come at the same time.
 * An ordinary update is one, and so is the first opt-out of a person.
 */
export class UnlockedUserWrites {
  private readonly changes: SharedChanges;

  constructor(private readonly context: IngressContext) {
    this.changes = new SharedChanges(context);
  }

  /** @returns undefined when it is no such change, or somebody else was faster: nothing was done then */
  async update(
    writer: Writer,
    id: string,
    conditions: Preconditions,
    change: (before: JsonObject) => JsonObject,
  ): Promise<StoredResource | undefined> {
    const isReady = this.changes.expect();
    try {
      const told = await this.prepared(writer, id, conditions, change);
      if (told === undefined || !('event' in told)) return told;
      const committed = this.changes.commit(told);
      isReady();
      return await committed;
    } catch (error) {
      // Somebody else opened the person's opt-out first.
      if (isOpenedTwice(error)) return undefined;
      throw error;
    } finally {
      this.context.governor.ended(writer);
      isReady();
    }
  }

  /** @returns the change and its event; the resource itself when nothing changes; undefined when it is no such change */
  private async prepared(
    writer: Writer,
    id: string,
    conditions: Preconditions,
    change: (before: JsonObject) => JsonObject,
  ): Promise<ToldChange | StoredResource | undefined> {
    const before = matching(await this.context.looks.resource(writer.connection.id, id), id, conditions);
    const attributes = change(before.attributes);
    const changed = changedAttributes(before.attributes, attributes);
    if (changed.length === 0) return before;
    if (changed.some(name => IDENTIFIERS.has(name))) return undefined;
    const after = { ...before, attributes, active: attributes.active === true };
    if (!changed.includes('active')) return this.ordinary(writer, after, changed);
    // Whether it is the person's first opt-out is seen by the statement that opens it.
    return before.active && !after.active ? this.firstOptOut(writer, after) : undefined;
  }

  private ordinary(writer: Writer, after: StoredResource, changed: string[]): ToldChange {
    const at = { connection: after.connection, resource: after.id };
    return { resource: after, event: this.draft(writer, after, 'update').updated(at, changed) };
  }

  private async firstOptOut(writer: Writer, after: StoredResource): Promise<ToldChange> {
    const { tenant, subject } = after;
    const { looks, governor } = this.context;
    const draft = this.draft(writer, after, 'deactivate');
    const ruled = governor.rule(writer, draft.request);
    const [targets, ruling] = await Promise.all([looks.targets(tenant), ruled, looks.key(tenant, subject)]);
    const opens = newStanding(draft, ruling);
    const known = await accountsOf(this.context.dataSource, after);
    const event = await draft.optOutRequested(opens.optOutId, known, false, targets, ruling.guard);
    return { resource: after, opens, event };
  }

  private draft(writer: Writer, after: StoredResource, operation: 'update' | 'deactivate'): EventDraft {
    const { manager } = this.context.dataSource;
    return new EventDraft(this.context, this.context.encryptIn(manager), requestOf(writer, after, operation));
  }
}
