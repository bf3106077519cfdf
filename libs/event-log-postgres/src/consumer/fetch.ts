import { type LogRecord, type TopicPartition } from '@sever/event-log';
import { rows } from '@sever/postgres';
import type { DataSource } from 'typeorm';
import { RECORD_COLUMNS, tableOf, toLogRecord, type RecordRow } from '../record-row.js';

/** A partition and the next offset to read from it. */
export type Position = { tp: TopicPartition; next: bigint };

/**
 * Records at or after the given positions, at most `limit` per partition, in order per partition. One round trip per topic;
 * the counters tell which partitions have news, so that an idle poll touches nothing else.
 */
export async function fetchRecords(
  dataSource: DataSource,
  positions: readonly Position[],
  limit: number,
): Promise<LogRecord[]> {
  const topics = [...new Set(positions.map(p => p.tp.topic))].sort();
  const batches = await Promise.all(
    topics.map(topic =>
      fetchTopic(
        dataSource,
        topic,
        positions.filter(p => p.tp.topic === topic),
        limit,
      ),
    ),
  );
  return batches.flat();
}

async function fetchTopic(
  dataSource: DataSource,
  topic: string,
  positions: readonly Position[],
  limit: number,
): Promise<LogRecord[]> {
  const found = await rows<RecordRow>(
    dataSource,
    `select f.* from unnest($2::int[], $3::bigint[]) as u(p, o)
       join log_partition lp on lp.topic = $1 and lp.partition = u.p and lp.next_offset > u.o
       cross join lateral (
         select ${RECORD_COLUMNS} from ${tableOf(topic)} r
          where r.topic = $1 and r.partition = u.p and r."offset" >= u.o order by r."offset" limit $4) f
      order by f.partition, f."offset"`,
    [topic, positions.map(p => p.tp.partition), positions.map(p => String(p.next)), limit],
  );
  return found.map(toLogRecord);
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
