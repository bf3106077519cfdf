import { partitionKey, type PartitionKey, type TopicPartition } from '@sever/event-log';
import { changed, rows } from '@sever/postgres';
import type { DataSource, EntityManager } from 'typeorm';
import { planExchange, type GroupPartition } from './plan-exchange.js';

/** What the group says this member owns: partition -> ownership epoch and committed offset. */
export type Ownership = ReadonlyMap<PartitionKey, GroupPartition>;

/** Result of one exchange with the group: what is owned, and which of it another member is due to take over. */
export type GroupView = { owned: Ownership; toRelease: readonly TopicPartition[] };

export type Membership = {
  group: string;
  member: string;
  topics: readonly string[];
  sessionTimeoutMs: number;
};

const LOCK_CLASS = 7_236_141;

/** Class of the lock that a living member holds on a connection of its own: it vanishes with the process, not with the session timeout. */
const PRESENCE_LOCK_CLASS = 7_236_142;

/** Silence after which a member that holds no presence lock counts as dead; long enough to reconnect, in milliseconds. */
const ABSENT_MS = 5_000;

/** The lock by which others see that a member's process is there. */
export const presenceOf = (m: Membership): { lockClass: number; name: string } => ({
  lockClass: PRESENCE_LOCK_CLASS,
  name: m.member,
});

type PartitionRow = {
  topic: string;
  partition: number;
  owner: string | null;
  epoch: string;
  next_offset: string;
};

/** Channel on which members tell each other that the group changed. */
export const GROUP_CHANNEL = 'sever_group';

/**
 * Refreshes the heartbeat, buries silent members, takes what is free and due to this member. One transaction under the
 * group's lock; only the database's clock counts. Partition p of every topic belongs to the same member.
 */
export function exchange(dataSource: DataSource, m: Membership): Promise<GroupView> {
  return dataSource.transaction(async em => {
    await lockGroup(em, m.group);
    const members = await refreshMembers(em, m);
    await ensureRows(em, m);
    const partitions = await readPartitions(em, m);
    const { take, release } = planExchange(partitions, members, m.member);
    await takeOver(em, m, take);
    const taken = new Set(take);
    const owned = partitions
      .filter(p => p.owner === m.member || taken.has(p))
      .map(p => (taken.has(p) ? { ...p, owner: m.member, epoch: p.epoch + 1n } : p));
    return {
      owned: new Map(owned.map(p => [partitionKey(p.tp), p])),
      toRelease: release.map(p => p.tp),
    };
  });
}

const lockGroup = (em: EntityManager, group: string): Promise<unknown> =>
  em.query('select pg_advisory_xact_lock($1, hashtext($2))', [LOCK_CLASS, group]);

async function refreshMembers(em: EntityManager, m: Membership): Promise<string[]> {
  const [joined] = await rows<{ is_new: boolean }>(
    em,
    `insert into log_group_member (group_name, member) values ($1, $2)
     on conflict (group_name, member) do update set heartbeat_at = clock_timestamp() returning xmax = 0 as is_new`,
    [m.group, m.member],
  );
  const buried = await changed(
    em,
    `delete from log_group_member g where group_name = $1 and (
       heartbeat_at < clock_timestamp() - $2 * interval '1 millisecond'
       or (heartbeat_at < clock_timestamp() - $3 * interval '1 millisecond' and not exists (
             select 1 from pg_locks l
              where l.locktype = 'advisory' and l.granted and l.classid = $4::int::oid and l.objid = hashtext(g.member::text)::oid
                and l.database = (select oid from pg_database where datname = current_database()))))`,
    [m.group, m.sessionTimeoutMs, Math.min(ABSENT_MS, m.sessionTimeoutMs), PRESENCE_LOCK_CLASS],
  );
  if (joined?.is_new || buried > 0) await em.query(`select pg_notify('${GROUP_CHANNEL}', $1)`, [m.group]);
  const found = await rows<{ member: string }>(
    em,
    'select member from log_group_member where group_name = $1 order by member',
    [m.group],
  );
  return found.map(row => row.member);
}

async function ensureRows(em: EntityManager, m: Membership): Promise<void> {
  await em.query(
    `insert into log_group_partition (group_name, topic, partition)
     select $1, lp.topic, lp.partition from log_partition lp
      where lp.topic = any($2) and not exists (select 1 from log_group_partition g
              where g.group_name = $1 and g.topic = lp.topic and g.partition = lp.partition)
     on conflict do nothing`,
    [m.group, m.topics],
  );
}

async function readPartitions(em: EntityManager, m: Membership): Promise<GroupPartition[]> {
  const found = await rows<PartitionRow>(
    em,
    `select topic, partition, owner, epoch, next_offset from log_group_partition where group_name = $1 and topic = any($2)`,
    [m.group, m.topics],
  );
  return found.map(row => ({
    tp: { topic: row.topic, partition: row.partition },
    owner: row.owner,
    epoch: BigInt(row.epoch),
    committed: BigInt(row.next_offset),
  }));
}

async function takeOver(
  em: EntityManager,
  m: Membership,
  partitions: readonly GroupPartition[],
): Promise<void> {
  if (partitions.length === 0) return;
  await em.query(
    `update log_group_partition g set owner = $2, epoch = epoch + 1 from unnest($3::text[], $4::int[]) as u(t, p)
      where g.group_name = $1 and g.topic = u.t and g.partition = u.p`,
    [m.group, m.member, partitions.map(p => p.tp.topic), partitions.map(p => p.tp.partition)],
  );
}

/** Gives partitions back so that the member that is due takes them at once. */
export async function release(
  dataSource: DataSource,
  m: Membership,
  partitions: readonly TopicPartition[],
): Promise<void> {
  if (partitions.length === 0) return;
  await dataSource.transaction(async em => {
    await lockGroup(em, m.group);
    await em.query(
      `update log_group_partition g set owner = null, epoch = epoch + 1 from unnest($3::text[], $4::int[]) as u(t, p)
        where g.group_name = $1 and g.owner = $2 and g.topic = u.t and g.partition = u.p`,
      [m.group, m.member, partitions.map(tp => tp.topic), partitions.map(tp => tp.partition)],
    );
    await em.query(`select pg_notify('${GROUP_CHANNEL}', $1)`, [m.group]);
  });
}

/** Leaves the group and frees everything. */
export async function leave(dataSource: DataSource, m: Membership): Promise<void> {
  await dataSource.transaction(async em => {
    await lockGroup(em, m.group);
    await em.query(
      'update log_group_partition set owner = null, epoch = epoch + 1 where group_name = $1 and owner = $2',
      [m.group, m.member],
    );
    await em.query('delete from log_group_member where group_name = $1 and member = $2', [m.group, m.member]);
    await em.query(`select pg_notify('${GROUP_CHANNEL}', $1)`, [m.group]);
  });
}

/** Stores offsets of partitions that this member still owns in the same epoch; never backwards. */
export async function commitOffsets(
  dataSource: DataSource,
  m: Membership,
  moves: readonly { tp: TopicPartition; epoch: bigint; next: bigint }[],
): Promise<void> {
  if (moves.length === 0) return;
  await dataSource.query(
    `update log_group_partition g set next_offset = u.next
       from unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[]) as u(t, p, epoch, next)
      where g.group_name = $1 and g.owner = $2 and g.topic = u.t and g.partition = u.p and g.epoch = u.epoch and g.next_offset <= u.next`,
    [
      m.group,
      m.member,
      moves.map(x => x.tp.topic),
      moves.map(x => x.tp.partition),
      moves.map(x => String(x.epoch)),
      moves.map(x => String(x.next)),
    ],
  );
}
