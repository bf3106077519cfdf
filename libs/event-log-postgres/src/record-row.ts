import type { LogRecord, PartitionKey, TopicPartition } from '@sever/event-log';

/** A row of `log_record` as the driver delivers it. */
export type RecordRow = {
  topic: string;
  partition: number;
  offset: string;
  key: string;
  type: string;
  headers: Record<string, string>;
  value: Buffer;
  ts: Date;
};

/** Columns of {@link RecordRow}, for select lists with alias `r`. */
export const RECORD_COLUMNS = 'r.topic, r.partition, r."offset", r.key, r.type, r.headers, r.value, r.ts';

export function toLogRecord(row: RecordRow): LogRecord {
  const offset = BigInt(row.offset);
  return {
    topic: row.topic,
    partition: row.partition,
    offset,
    logOffset: offset,
    key: row.key,
    type: row.type,
    headers: row.headers,
    value: row.value,
    timestamp: row.ts.getTime(),
  };
}

/** Tables by topic: a connector may read `log_requests` although not its parent. */
const TABLES: Readonly<Record<string, string>> = { requests: 'log_requests', outcomes: 'log_outcomes' };
export const tableOf = (topic: string): string => TABLES[topic] ?? 'log_record';

/** The partition that a key names. */
export function parsePartitionKey(key: PartitionKey): TopicPartition {
  const slash = key.lastIndexOf('/');
  return { topic: key.slice(0, slash), partition: Number(key.slice(slash + 1)) };
}
