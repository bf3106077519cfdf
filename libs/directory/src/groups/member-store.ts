import { binaryArray, oneRow, rows, type Queryable } from '@sever/postgres';
import type { JsonObject, MembershipDelta } from '@sever/scim';
import { isUuid } from '../resources/uuid.js';

/** What a member's value names in its connection; undefined for a value that names nothing (yet the reference is kept). */
export type MemberKind = 'User' | 'Group';

/** A member as it is stored: `data` is what else the client said of it (`display`, and `type` where nothing is known). */
export type StoredMember = { groupId: string; value: string; kind: MemberKind | null; data: JsonObject };

/** Members that came or went: how many, the people among them in order, each once, and how many groups. */
export type MembersMoved = { count: number; subjects: string[]; groups: number };

/** What a change did. `restated`: members who stayed and of whom something else is said now. */
export type MembershipChange = { added: MembersMoved; removed: MembersMoved; restated: number };

type ChangeRow = {
  addedCount: number;
  addedGroups: number;
  addedSubjects: string[] | null;
  removedCount: number;
  removedGroups: number;
  removedSubjects: string[] | null;
  restated: number;
};

/** Members that leave: all but the wanted ones, or the listed ones. */
const LEAVING = {
  others: 'not exists (select 1 from unnest($3::text[]) as kept(value) where kept.value = m.value)',
  listed: 'm.value = any($6::text[])',
} as const;

const changeSql = (leaving: keyof typeof LEAVING): string => `
  with wanted as (
    select w.value, w.n, r.subject, case when r.id is not null then 'User' when g.id is not null then 'Group' end as kind,
           case when r.id is null and g.id is null then w.data else w.data - 'type' end as data
      from unnest($3::text[], $4::jsonb[], $5::uuid[]) with ordinality as w(value, data, id, n)
      left join scim_resource r on r.connection = $1 and r.id = w.id and r.deleted_at is null
      left join scim_group g on g.connection = $1 and g.id = w.id and g.deleted_at is null),
  gone as (
    delete from scim_group_member m where m.connection = $1 and m.group_id = $2 and ${LEAVING[leaving]}
    returning m.subject, m.kind),
  come as (
    insert into scim_group_member as m (connection, group_id, value, kind, subject, data)
    select $1, $2, value, kind, subject, data from wanted order by n
    on conflict (connection, group_id, value) do update set data = excluded.data
      where m.data is distinct from excluded.data and ${leaving === 'others' ? 'true' : 'm.value = any($7::text[])'}
    returning m.subject, m.kind, (m.xmax = 0) as is_new)
  select (select count(*)::int from come where is_new) as "addedCount",
         (select count(*)::int from come where is_new and kind = 'Group') as "addedGroups",
         (select array_agg(distinct subject order by subject) from come where is_new and subject is not null) as "addedSubjects",
         (select count(*)::int from gone) as "removedCount",
         (select count(*)::int from gone where kind = 'Group') as "removedGroups",
         (select array_agg(distinct subject order by subject) from gone where subject is not null) as "removedSubjects",
         (select count(*)::int from come where not is_new) as restated`;

/**
 * Changes who is in a locked group, in one statement whose cost follows from the change and not from the group.
 * @returns what changed in fact: who is there already is not added, who is not there is not removed
 */
export async function changeMembers(
  on: Queryable,
  connection: string,
  groupId: string,
  delta: MembershipDelta,
): Promise<MembershipChange> {
  const wanted = [...delta.add];
  const parameters: unknown[] = [
    connection,
    groupId,
    binaryArray('text', wanted, ([value]) => value),
    binaryArray('jsonb', wanted, ([, member]) => JSON.stringify(dataOf(member))),
    binaryArray('uuid', wanted, ([value]) => (isId(value) ? value : null)),
  ];
  if (!delta.clears) {
    const leaving = [...delta.remove];
    // Who is taken out and put in again stays, with what is said of them now.
    const back = leaving.filter(value => delta.add.has(value));
    const gone = leaving.filter(value => !delta.add.has(value));
    parameters.push(
      binaryArray('text', gone, value => value),
      binaryArray('text', back, value => value),
    );
  }
  const row = await oneRow<ChangeRow>(on, changeSql(delta.clears ? 'others' : 'listed'), parameters);
  if (!row) throw new Error('the change of the members was not returned');
  return {
    added: { count: row.addedCount, groups: row.addedGroups, subjects: row.addedSubjects ?? [] },
    removed: { count: row.removedCount, groups: row.removedGroups, subjects: row.removedSubjects ?? [] },
    restated: row.restated,
  };
}

/** The members of some groups, each group's in the order in which they came. */
export const membersOf = (
  on: Queryable,
  connection: string,
  groupIds: readonly string[],
): Promise<StoredMember[]> =>
  rows<StoredMember>(
    on,
    `select group_id as "groupId", value, kind, data from scim_group_member
      where connection = $1 and group_id = any($2::uuid[]) order by group_id, position`,
    [connection, binaryArray('uuid', groupIds, id => id)],
  );

/**
 * Takes a resource that is removed out of every group, whose versions rise. The groups are locked first and in the order of their ids,
 * as everybody who changes members locks the group first.
 */
export async function leaveAllGroups(on: Queryable, connection: string, id: string): Promise<void> {
  await on.query(
    `with locked as materialized (
       select g.id from scim_group g
        where g.connection = $1 and g.deleted_at is null
          and g.id in (select m.group_id from scim_group_member m where m.connection = $1 and m.value = $2)
        order by g.id for update),
     gone as (
       delete from scim_group_member m using locked where m.connection = $1 and m.group_id = locked.id and m.value = $2
       returning m.group_id)
     update scim_group g set member_count = member_count - 1, version = version + 1, modified_at = clock_timestamp()
       from gone where g.connection = $1 and g.id = gone.group_id`,
    [connection, id],
  );
}

/** Ids are compared exactly, and they are given out in lower case. */
const isId = (value: string): boolean => isUuid(value) && value === value.toLowerCase();

/** What is kept of a member beside its value; its address follows from what it is. */
function dataOf(member: JsonObject): JsonObject {
  const { value: _value, $ref: _ref, ...rest } = member;
  return rest;
}
