import { randomUUID } from 'node:crypto';
import {
  partitionKey,
  type LogRecord,
  type Offsets,
  type PartitionKey,
  type TopicPartition,
} from '@sever/event-log';
import { countBehind, fetchRecords } from '@sever/event-log-postgres';
import { changed, oneRow, rows, type Queryable } from '@sever/postgres';
import type { DataSource } from 'typeorm';
import { fairLimit } from './fair-limit.js';
import type { ForwardedPartitions, RelayStore } from './relay-store.js';

/** Class of the advisory lock that a living relay holds on a connection of its own: it vanishes with the process. */
const PRESENCE_LOCK_CLASS = 7_236_143;
const LEASE = 'relay';

export type PostgresRelayStoreOptions = {
  /** How long a relay that says nothing keeps the lease, in milliseconds. */
  leaseMs: number;
};

/** The log, the lease and the positions in PostgreSQL. Only the database's clock counts. */
export class PostgresRelayStore implements RelayStore {
  private readonly holder = randomUUID();

  constructor(
    private readonly dataSource: DataSource,
    private readonly o: PostgresRelayStoreOptions,
  ) {}

  /** The lock to hold on the listening connection, by which other relays see that this one lives. */
  get presence(): { lockClass: number; name: string } {
    return { lockClass: PRESENCE_LOCK_CLASS, name: this.holder };
  }

  /** The lease is free when it ran out, or when its holder's process is gone, which its lock tells at once. */
  async acquire(): Promise<bigint | undefined> {
    const found = await rows<{ epoch: string }>(
      this.dataSource,
      `update relay_lease l set holder = $2, epoch = epoch + 1, expires_at = clock_timestamp() + $3 * interval '1 millisecond'
        where name = $1 and (holder is null or holder = $2 or expires_at < clock_timestamp() or not exists (
          select 1 from pg_locks k
           where k.locktype = 'advisory' and k.granted and k.classid = $4::int::oid and k.objid = hashtext(l.holder::text)::oid
             and k.database = (select oid from pg_database where datname = current_database())))
       returning epoch`,
      [LEASE, this.holder, this.o.leaseMs, PRESENCE_LOCK_CLASS],
    );
    return found[0] && BigInt(found[0].epoch);
  }

  async renew(epoch: bigint): Promise<boolean> {
    const kept = await changed(
      this.dataSource,
      `update relay_lease set expires_at = clock_timestamp() + $3 * interval '1 millisecond' where name = $1 and epoch = $2`,
      [LEASE, String(epoch), this.o.leaseMs],
    );
    return kept === 1;
  }

  async release(epoch: bigint): Promise<void> {
    await this.dataSource.query(
      'update relay_lease set holder = null, expires_at = null where name = $1 and epoch = $2',
      [LEASE, String(epoch)],
    );
  }

  async positions(target: string): Promise<ForwardedPartitions> {
    const found = await rows<TopicPartition & { next: string; end: string }>(
      this.dataSource,
      `select lp.topic, lp.partition, coalesce(p.next_offset, 0) as next,
              coalesce(p.target_end, p.next_offset, 0) as end from log_partition lp
         left join relay_position p on p.target = $1 and p.topic = lp.topic and p.partition = lp.partition`,
      [target],
    );
    return new Map(found.map(row => [partitionKey(row), { next: BigInt(row.next), end: BigInt(row.end) }]));
  }

  async read(positions: Offsets, limit: number): Promise<readonly LogRecord[]> {
    const asked = [...positions].map(([key, next]) => ({ tp: parse(key), next }));
    const behind = (await countBehind(this.dataSource, asked)).filter(b => b.lag > 0n);
    if (behind.length === 0) return [];
    const waiting = new Set(behind.map(b => partitionKey(b.tp)));
    const perPartition = fairLimit(
      behind.map(b => Number(b.lag)),
      limit,
    );
    const flowing = asked.filter(a => waiting.has(partitionKey(a.tp)));
    const topics = [...new Set(flowing.map(a => a.tp.topic))];
    const found = await Promise.all(
      topics.map(topic => {
        // A read shares its limit among the partitions of a topic.
        const ofTopic = flowing.filter(a => a.tp.topic === topic);
        return fetchRecords(this.dataSource, ofTopic, perPartition * ofTopic.length);
      }),
    );
    return found.flatMap(f => f.records).slice(0, limit);
  }

  async store(epoch: bigint, target: string, positions: ForwardedPartitions): Promise<boolean> {
    const moves = [...positions].map(([key, place]) => ({ ...parse(key), ...place }));
    return this.dataSource.transaction(async em => {
      if (!(await holds(em, epoch, target))) return false;
      await em.query(
        `insert into relay_position (target, topic, partition, next_offset, target_end)
         select $1, t, p, o, e from unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[]) as u(t, p, o, e)
         on conflict (target, topic, partition) do update set next_offset = excluded.next_offset, target_end = excluded.target_end`,
        [
          ...[target, moves.map(m => m.topic), moves.map(m => m.partition)],
          ...[moves.map(m => String(m.next)), moves.map(m => String(m.end))],
        ],
      );
      return true;
    });
  }
}

/** Locks the lease to the end of the transaction: whoever takes it over waits for our positions. */
async function holds(em: Queryable, epoch: bigint, target: string): Promise<boolean> {
  const locked = await oneRow<{ target: string | null }>(
    em,
    'select target from relay_lease where name = $1 and epoch = $2 for update',
    [LEASE, String(epoch)],
  );
  if (!locked) return false;
  if (locked.target !== target)
    await em.query('update relay_lease set target = $2 where name = $1', [LEASE, target]);
  return true;
}

function parse(key: PartitionKey): TopicPartition {
  const slash = key.lastIndexOf('/');
  return { topic: key.slice(0, slash), partition: Number(key.slice(slash + 1)) };
}
