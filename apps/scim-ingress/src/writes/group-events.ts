import { createHash } from 'node:crypto';
import type { MembersMoved, MembershipChange, StoredGroup } from '@sever/directory';
import {
  NAMED_SUBJECTS_MAX,
  makeEvent,
  newEventId,
  type Door,
  type EventData,
  type MovedMembers,
  type SeverEvent,
} from '@sever/event-contracts';
import { currentTraceparent } from '@sever/telemetry';
import type { Writer } from './user-request.js';

type GroupEventType = Extract<SeverEvent['type'], `sever.group.${string}`>;
type Place = 'actor' | 'target' | 'door' | 'connection' | 'group';

/** Builds the one event of a request about a group. */
export class GroupEvents {
  constructor(
    private readonly writer: Writer,
    private readonly group: Pick<StoredGroup, 'id' | 'tenant'>,
  ) {}

  created(members: MembershipChange): SeverEvent {
    return this.make('sever.group.created.v1', 'create', { added: told(members.added, NAMED_SUBJECTS_MAX) });
  }

  /** @param attributes names of the attributes that changed beside the membership */
  changed(attributes: string[], members: MembershipChange): SeverEvent {
    if (members.added.count === 0 && members.removed.count === 0)
      return this.make('sever.group.updated.v1', 'update', { attributes });
    // Who lost something comes first where not all can be named.
    const removed = told(members.removed, NAMED_SUBJECTS_MAX);
    const added = told(members.added, NAMED_SUBJECTS_MAX - removed.subjects.length);
    return this.make('sever.group.members-changed.v1', 'update', { attributes, added, removed });
  }

  removed(members: MembersMoved): SeverEvent {
    return this.make('sever.group.removed.v1', 'delete', { removed: told(members, NAMED_SUBJECTS_MAX) });
  }

  private make<T extends GroupEventType>(
    type: T,
    operation: Door['operation'],
    rest: Omit<EventData<T>, Place>,
  ): SeverEvent {
    const { connection, reading } = this.writer;
    const place: Pick<EventData<GroupEventType>, Place> = {
      actor: { kind: 'connection', id: connection.id },
      target: { kind: 'resource', id: this.group.id },
      door: {
        via: 'scim',
        operation,
        connection: connection.id,
        resource: this.group.id,
        dialect: connection.dialect,
        rules: reading.rules(),
      },
      connection: connection.id,
      group: this.group.id,
    };
    return makeEvent({
      type,
      id: newEventId(),
      source: `/connections/${connection.id}`,
      tenant: this.group.tenant,
      subject: this.group.id,
      time: new Date(),
      traceparent: currentTraceparent(),
      data: { ...place, ...rest } as EventData<T>,
    }) as SeverEvent;
  }
}

/** As an event tells it: no more than `room` people by their ids, all of them in the digest. */
function told(moved: MembersMoved, room: number): MovedMembers {
  const subjects = moved.subjects.slice(0, room);
  return {
    count: moved.count,
    groups: moved.groups,
    subjects,
    unnamed: moved.subjects.length - subjects.length,
    digest: moved.subjects.length === 0 ? null : digestOf(moved.subjects),
  };
}

const digestOf = (subjects: readonly string[]): string =>
  createHash('sha256')
    .update(subjects.map(subject => `${subject}\n`).join(''))
    .digest('hex');
