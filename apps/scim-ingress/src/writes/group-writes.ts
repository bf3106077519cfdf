import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import {
  changeMembers,
  findGroup,
  insertGroup,
  leaveAllGroups,
  membersOf,
  removeGroup,
  updateGroup,
  type MembershipChange,
  type StoredGroup,
  type StoredMember,
} from '@sever/directory';
import type { SeverEvent } from '@sever/event-contracts';
import { isUniqueViolation } from '@sever/postgres';
import { ScimError, changedAttributes, type JsonObject, type MembershipDelta } from '@sever/scim';
import type { EntityManager } from 'typeorm';
import { IngressContext } from '../ingress-context.js';
import { checkWrite, type Preconditions } from './preconditions.js';
import { commitWrite } from './commit.js';
import { GroupEvents } from './group-events.js';
import type { Writer } from './user-request.js';

/** What a request makes of a group: its attributes without members, and what happens to the members. */
export type GroupChange = { attributes: JsonObject; members: MembershipDelta };

/** Gives the members of the group that is being changed, for the few changes that depend on them. */
export type LoadMembers = () => Promise<StoredMember[]>;

/** Longest `displayName`, `externalId` or member's `value` that is stored, in characters: all three are looked up by index. */
const KEY_CHARACTERS_MAX = 512;

const EVERYBODY: MembershipDelta = { clears: true, remove: new Set(), add: new Map() };
const UNCHANGED: MembershipChange = {
  added: { count: 0, subjects: [], groups: 0 },
  removed: { count: 0, subjects: [], groups: 0 },
  restated: 0,
};

export const groupNotFound = (id: string): ScimError =>
  new ScimError(404, `this connection has no group ${id.slice(0, 80)}`);
export const groupEtag = (group: StoredGroup): string => `W/"${group.version}"`;

/** Writes of SCIM Groups: each accepted change is one transaction with one event, and none when nothing changed. */
@Injectable()
export class GroupWrites {
  constructor(private readonly context: IngressContext) {}

  create(writer: Writer, wanted: GroupChange): Promise<StoredGroup> {
    checkKeys(wanted);
    return nameKept(() =>
      commitWrite(this.context, async em => {
        const { id: connection, tenant } = writer.connection;
        const group = { connection, id: randomUUID(), tenant, attributes: wanted.attributes };
        const members = await this.changeIn(em, group, wanted.members);
        const result = await insertGroup(
          em,
          { ...group, memberCount: members.added.count },
          isNameUnique(writer),
        );
        return { result, event: new GroupEvents(writer, group).created(members) };
      }),
    );
  }

  /**
   * PUT and PATCH.
   * @throws ScimError 404, 412 when a precondition does not hold, 409 when the dialect keeps the name for another group
   */
  update(
    writer: Writer,
    id: string,
    conditions: Preconditions,
    change: (before: StoredGroup, members: LoadMembers) => GroupChange | Promise<GroupChange>,
  ): Promise<StoredGroup> {
    return nameKept(() =>
      commitWrite(this.context, async em => {
        const before = await locked(em, writer, id, conditions);
        const wanted = await change(before, () => membersOf(em, before.connection, [before.id]));
        checkKeys(wanted);
        return this.updateIn(em, writer, before, wanted);
      }),
    );
  }

  /** DELETE: the group is gone, and with it what its members had by it. */
  async remove(writer: Writer, id: string, conditions: Preconditions): Promise<void> {
    await commitWrite(this.context, async em => {
      const before = await locked(em, writer, id, conditions);
      const { removed } = await this.changeIn(em, before, EVERYBODY);
      await leaveAllGroups(em, before.connection, before.id);
      await removeGroup(em, before.connection, before.id);
      return { result: undefined, event: new GroupEvents(writer, before).removed(removed) };
    });
  }

  private async updateIn(
    em: EntityManager,
    writer: Writer,
    before: StoredGroup,
    wanted: GroupChange,
  ): Promise<{ result: StoredGroup; event: SeverEvent | undefined }> {
    const members = await this.changeIn(em, before, wanted.members);
    const { added, removed, restated } = members;
    const attributes = changedAttributes(before.attributes, wanted.attributes);
    if (restated > 0) attributes.push('members');
    if (attributes.length === 0 && added.count === 0 && removed.count === 0)
      return { result: before, event: undefined };
    const memberCount = before.memberCount + added.count - removed.count;
    const after = { ...before, attributes: wanted.attributes, memberCount };
    const result = await updateGroup(em, after, isNameUnique(writer));
    return { result, event: new GroupEvents(writer, before).changed(attributes, members) };
  }

  private async changeIn(
    em: EntityManager,
    { connection, id }: Pick<StoredGroup, 'connection' | 'id'>,
    { clears, remove, add }: MembershipDelta,
  ): Promise<MembershipChange> {
    if (!clears && remove.size === 0 && add.size === 0) return UNCHANGED;
    return changeMembers(em, connection, id, { clears, remove, add });
  }
}

const isNameUnique = (writer: Writer): { isNameUnique: boolean } => ({
  isNameUnique: writer.reading.dialect.isGroupNameUnique,
});

async function locked(
  em: EntityManager,
  writer: Writer,
  id: string,
  conditions: Preconditions,
): Promise<StoredGroup> {
  const found = await findGroup(em, writer.connection.id, id, { lock: true });
  if (!found) throw groupNotFound(id);
  checkWrite(conditions, 'group', groupEtag(found));
  return found;
}

/** The unique index decides which of two groups gets a name. */
async function nameKept<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (isUniqueViolation(error))
      throw new ScimError(409, 'another group of this connection has this displayName', 'uniqueness');
    throw error;
  }
}

/** @throws ScimError 400 `invalidValue` */
function checkKeys({ attributes, members }: GroupChange): void {
  for (const name of ['displayName', 'externalId']) checkKey(`"${name}"`, attributes[name]);
  for (const value of members.add.keys()) checkKey('"value" of a member', value);
}

function checkKey(name: string, value: unknown): void {
  if (typeof value === 'string' && value.length > KEY_CHARACTERS_MAX)
    throw new ScimError(400, `${name} may have ${KEY_CHARACTERS_MAX} characters`, 'invalidValue');
}
