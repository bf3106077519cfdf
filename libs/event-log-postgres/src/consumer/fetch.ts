import { type LogRecord, type TopicPartition } from '@sever/event-log';
import { copyOut, quoteLiteral, rows } from '@sever/postgres';
import type { DataSource } from 'typeorm';
import { COPIED_COLUMNS, copiedRecord } from '../copied-record.js';
import { tableOf } from '../record-row.js';

/** A partition and the next offset to read from it. */
export type Position = { tp: TopicPartition; next: bigint };

/** What a read found. `more`: some partition probably holds further records. */
export type Fetched = { records: LogRecord[]; more: boolean };

/**
 * Records at or after the given positions, at most about `limit` per topic shared by the partitions that have news, in order per
 * partition: a backlog is read in pieces that fit into memory. One round trip per topic; the counters tell which partitions have
 * news, so that an idle poll touches nothing else.
 */
export async function fetchRecords(
  dataSource: DataSource,
  positions: readonly Position[],
  limit: number,
): Promise<Fetched> {
  const topics = [...new Set(positions.map(p => p.tp.topic))].sort();
  const found = await Promise.all(
    topics.map(topic =>
      fetchTopic(
        dataSource,
        topic,
        positions.filter(p => p.tp.topic === topic),
        limit,
      ),
    ),
  );
  return { records: found.flatMap(f => f.records), more: found.some(f => f.more) };
}

async function fetchTopic(
  dataSource: DataSource,
  topic: string,
  positions: readonly Position[],
  limit: number,
): Promise<Fetched> {
  const runner = dataSource.createQueryRunner();
  try {
    const found = await copyOut(runner, fetchQuery(topic, positions, limit));
    const records = found.map(row => copiedRecord(topic, row));
    const partitions = new Set(records.map(r => r.partition)).size;
    // Every partition with news gives at least one record; one that gave its full share may hold more.
    return { records, more: partitions > 0 && records.length >= Math.max(1, Math.floor(limit / partitions)) };
  } finally {
    await runner.release();
  }
}

function fetchQuery(topic: string, positions: readonly Position[], limit: number): string {
  const name = quoteLiteral(topic);
  return `with news as materialized (
      select u.p, u.o from unnest('{${positions.map(p => p.tp.partition).join()}}'::int[], '{${positions.map(p => p.next).join()}}'::bigint[]) as u(p, o)
        join log_partition lp on lp.topic = ${name} and lp.partition = u.p and lp.next_offset > u.o)
    select f.* from news n
      cross join lateral (
        select ${COPIED_COLUMNS} from ${tableOf(topic)} r
         where r.topic = ${name} and r.partition = n.p and r."offset" >= n.o order by r."offset"
         limit (select greatest(1, ${limit} / count(*)) from news)) f
     order by f.partition, f."offset"`;
}

/** Records between the given positions and the end. */
export async function countBehind(
  dataSource: DataSource,
  positions: readonly Position[],
): Promise<{ tp: TopicPartition; lag: bigint }[]> {
  const found = await rows<{ topic: string; partition: number; lag: string }>(
    dataSource,
    `select u.t as topic, u.p as partition, greatest(lp.next_offset - u.o, 0) as lag
       from unnest($1::text[], $2::int[], $3::bigint[]) as u(t, p, o)
       join log_partition lp on lp.topic = u.t and lp.partition = u.p`,
    [positions.map(p => p.tp.topic), positions.map(p => p.tp.partition), positions.map(p => String(p.next))],
  );
  return found.map(row => ({ tp: { topic: row.topic, partition: row.partition }, lag: BigInt(row.lag) }));
}
