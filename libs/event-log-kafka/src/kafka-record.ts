import type { LogRecord } from '@sever/event-log';
import type { Message } from 'kafkajs';

/** Header that carries a record's place in the log: its identity in every profile. */
export const LOG_OFFSET_HEADER = 'sever-log-offset';

/** A record of the log as a message: the same bytes, key and headers, in the same partition. */
export const toMessage = (record: LogRecord): Message => ({
  key: record.key,
  value: record.value,
  partition: record.partition,
  headers: { ...record.headers, [LOG_OFFSET_HEADER]: String(record.logOffset) },
  timestamp: String(record.timestamp),
});
