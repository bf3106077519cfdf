import {
  EventLogError,
  partitionKey,
  type EventLogAdmin,
  type EventLogScanner,
  type LogRecord,
  type Offsets,
  type PartitionKey,
  type TopicSpec,
} from '@sever/event-log';
import { rows } from '@sever/postgres';
import type { DataSource } from 'typeorm';
import { RECORD_COLUMNS, tableOf, toLogRecord, type RecordRow } from './record-row.js';

type OffsetRow = { partition: number; next: string };

/** Topics and positions of the log in PostgreSQL. */
export function createPostgresEventLogAdmin(dataSource: DataSource): EventLogAdmin & EventLogScanner {
  return {
    ensureTopics: specs => ensureTopics(dataSource, specs),
    offsetsForTime: async (topic, timestamp) =>
      toOffsets(
        topic,
        await rows<OffsetRow>(
          dataSource,
          `select p.partition, coalesce((select min(r."offset") from ${tableOf(topic)} r
              where r.topic = p.topic and r.partition = p.partition and r.ts >= to_timestamp($2 / 1000.0)), p.next_offset) as next
             from log_partition p where p.topic = $1`,
          [topic, timestamp],
        ),
      ),
    endOffsets: async topic =>
      toOffsets(
        topic,
        await rows<OffsetRow>(
          dataSource,
          'select partition, next_offset as next from log_partition where topic = $1',
          [topic],
        ),
      ),
    scan: o => scan(dataSource, o),
  };
}

const toOffsets = (topic: string, found: readonly OffsetRow[]): Offsets =>
  new Map(found.map(row => [partitionKey({ topic, partition: row.partition }), BigInt(row.next)]));

async function ensureTopics(dataSource: DataSource, specs: readonly TopicSpec[]): Promise<void> {
  for (const { topic, partitions } of specs) {
    const [found] = await rows<{ count: string }>(
      dataSource,
      'select count(*) from log_partition where topic = $1',
      [topic],
    );
    const count = Number(found?.count ?? 0);
    if (count === 0) {
      await dataSource.query(
        'insert into log_partition (topic, partition) select $1, p from generate_series(0, $2::int - 1) p on conflict do nothing',
        [topic, partitions],
      );
    } else if (count !== partitions) {
      throw new EventLogError(
        'log.partition-mismatch',
        `topic ${topic} has ${count} partitions, ${partitions} are configured: growing would re-hash keys and break the order per subject; keep ${count}`,
      );
    }
  }
}

async function* scan(
  dataSource: DataSource,
  o: { topics: readonly string[]; from?: Offsets; to: Offsets; batchRecords?: number },
): AsyncGenerator<readonly LogRecord[]> {
  const limit = o.batchRecords ?? 2_000;
  for (const [key, end] of [...o.to].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { topic, partition } = parse(key);
    if (!o.topics.includes(topic)) continue;
    let next = o.from?.get(key) ?? 0n;
    while (next < end) {
      const batch = await rows<RecordRow>(
        dataSource,
        `select ${RECORD_COLUMNS} from ${tableOf(topic)} r
          where r.topic = $1 and r.partition = $2 and r."offset" >= $3 and r."offset" < $4 order by r."offset" limit $5`,
        [topic, partition, String(next), String(end), limit],
      );
      if (batch.length === 0) break;
      const records = batch.map(toLogRecord);
      yield records;
      next = (records.at(-1)?.offset ?? end) + 1n;
    }
  }
}

function parse(key: PartitionKey): { topic: string; partition: number } {
  const slash = key.lastIndexOf('/');
  return { topic: key.slice(0, slash), partition: Number(key.slice(slash + 1)) };
}
