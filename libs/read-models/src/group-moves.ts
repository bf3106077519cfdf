import type { MovedMembers, SeverEvent } from '@sever/event-contracts';
import { binaryArray, rows, type Queryable } from '@sever/postgres';
import type { PlacedEvent } from './fold-batch.js';

/** What a group event did to one person: an entitlement came or went. */
export type GroupMove = {
  id: string;
  type: string;
  at: string;
  actor: string;
  connection: string;
  group: string;
  moved: 'joined' | 'left';
};

/** A move as a row: whose it is. */
export type SubjectMove = GroupMove & { tenant: string; subject: string };

/** Rows of one statement: an event names up to a thousand people, a batch holds thousands of events. */
const ROWS_MAX = 10_000;

/** Stores the moves of a batch. An event that comes again meets its own rows. */
export async function saveGroupMoves(on: Queryable, events: readonly PlacedEvent[]): Promise<void> {
  let waiting: SubjectMove[] = [];
  for (const { event } of events) {
    waiting.push(...movesOf(event));
    if (waiting.length < ROWS_MAX) continue;
    await insertMoves(on, waiting);
    waiting = [];
  }
  if (waiting.length > 0) await insertMoves(on, waiting);
}

/** The moves that an event tells, one per person it names; whoever it names on both sides is in the group as before. */
export function movesOf(event: SeverEvent): SubjectMove[] {
  switch (event.type) {
    case 'sever.group.created.v1':
      return moves(event, event.data.added, undefined);
    case 'sever.group.members-changed.v1':
      return moves(event, event.data.added, event.data.removed);
    case 'sever.group.removed.v1':
      return moves(event, undefined, event.data.removed);
    default:
      return [];
  }
}

type MovingEvent = SeverEvent<
  'sever.group.created.v1' | 'sever.group.members-changed.v1' | 'sever.group.removed.v1'
>;

function moves(
  event: MovingEvent,
  added: MovedMembers | undefined,
  removed: MovedMembers | undefined,
): SubjectMove[] {
  const [joined, left] = [new Set(added?.subjects), new Set(removed?.subjects)];
  const { actor, connection, group } = event.data;
  const of = (subject: string, moved: GroupMove['moved']): SubjectMove => ({
    ...{ tenant: event.tenant, subject, id: event.id, type: event.type, at: event.time },
    ...{ actor: actor.id, connection, group, moved },
  });
  return [
    ...[...joined].filter(subject => !left.has(subject)).map(subject => of(subject, 'joined')),
    ...[...left].filter(subject => !joined.has(subject)).map(subject => of(subject, 'left')),
  ];
}

async function insertMoves(on: Queryable, list: readonly SubjectMove[]): Promise<void> {
  await on.query(
    `insert into rm_group_move (tenant, subject, time, event_id, type, actor_id, connection, group_id, moved)
     select * from unnest($1::text[], $2::uuid[], $3::timestamptz[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::text[])
     on conflict do nothing`,
    [
      binaryArray('text', list, m => m.tenant),
      binaryArray('uuid', list, m => m.subject),
      binaryArray('timestamptz', list, m => m.at),
      binaryArray('uuid', list, m => m.id),
      binaryArray('text', list, m => m.type),
      binaryArray('text', list, m => m.actor),
      binaryArray('text', list, m => m.connection),
      binaryArray('uuid', list, m => m.group),
      binaryArray('text', list, m => m.moved),
    ],
  );
}

const COLUMNS = `event_id as id, type, time, actor_id as actor, connection, group_id as "group", moved`;
type MoveRow = Omit<GroupMove, 'at'> & { time: Date };
const moveOf = ({ time, ...row }: MoveRow): GroupMove => ({ ...row, at: time.toISOString() });

/** A person's moves, newest first. @param behind the entry after which they begin */
export async function groupMovesOf(
  on: Queryable,
  person: { tenant: string; subject: string },
  page: { limit: number; behind: { at: string; id: string } | undefined },
): Promise<GroupMove[]> {
  const found = await rows<MoveRow>(
    on,
    `select ${COLUMNS} from rm_group_move where tenant = $1 and subject = $2
        and ($3::timestamptz is null or (time, event_id) < ($3::timestamptz, $4::uuid))
      order by time desc, event_id desc limit $5`,
    [person.tenant, person.subject, page.behind?.at ?? null, page.behind?.id ?? null, page.limit],
  );
  return found.map(moveOf);
}

/** From when to when a person's moves are asked for; without an end until now. `key` says whose answer it is. */
export type Span = { key: string; tenant: string; subject: string; from: string; to: string | null };

/** The moves within spans of time, the newest `limit` of each, in the order in which they happened. */
export async function groupMovesDuring(
  on: Queryable,
  spans: readonly Span[],
  limit: number,
): Promise<Map<string, GroupMove[]>> {
  const found = await rows<MoveRow & { key: string }>(
    on,
    `select s.key, m.* from unnest($1::text[], $2::text[], $3::uuid[], $4::timestamptz[], $5::timestamptz[])
        as s(key, tenant, subject, since, until)
      cross join lateral (select ${COLUMNS} from rm_group_move g
        where g.tenant = s.tenant and g.subject = s.subject and g.time >= s.since and g.time <= coalesce(s.until, 'infinity')
        order by g.time desc, g.event_id desc limit $6) m
      order by m.time, m.id`,
    [
      binaryArray('text', spans, s => s.key),
      binaryArray('text', spans, s => s.tenant),
      binaryArray('uuid', spans, s => s.subject),
      binaryArray('timestamptz', spans, s => s.from),
      binaryArray('timestamptz', spans, s => s.to),
      limit,
    ],
  );
  const byKey = new Map<string, GroupMove[]>();
  for (const { key, ...row } of found) byKey.set(key, [...(byKey.get(key) ?? []), moveOf(row)]);
  return byKey;
}
