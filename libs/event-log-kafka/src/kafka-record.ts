import { EventLogError, type LogRecord } from '@sever/event-log';
import type { IHeaders, Message } from 'kafkajs';

/** Header that carries a record's place in the log: its identity in every profile. */
export const LOG_OFFSET_HEADER = 'sever-log-offset';
/** Header that carries a record's type where `ce_type` does not say the same. */
const TYPE_HEADER = 'sever-type';
const CE_TYPE_HEADER = 'ce_type';

/** A record of the log as a message: the same bytes, key and headers, in the same partition. */
export const toMessage = (record: LogRecord): Message => ({
  key: record.key,
  value: record.value,
  partition: record.partition,
  headers: {
    ...record.headers,
    ...(record.headers[CE_TYPE_HEADER] !== record.type && { [TYPE_HEADER]: record.type }),
    [LOG_OFFSET_HEADER]: String(record.logOffset),
  },
  timestamp: String(record.timestamp),
});

/** What a fetch brings of one message. */
type Received = {
  key: Buffer | null;
  value: Buffer | null;
  offset: string;
  timestamp: string;
  headers?: IHeaders | undefined;
};

/**
 * The record in a message.
 * @throws EventLogError `log.unreadable` for a message that the relay did not write
 */
export function fromMessage(topic: string, partition: number, message: Received): LogRecord {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers ?? {}))
    if (value !== undefined) headers[name] = String(Array.isArray(value) ? value[0] : value);
  const { [LOG_OFFSET_HEADER]: logOffset, [TYPE_HEADER]: type, ...own } = headers;
  if (message.key === null || message.value === null || !/^\d+$/.test(logOffset ?? ''))
    throw new EventLogError(
      'log.unreadable',
      `${topic}/${partition} holds a message at ${message.offset} that the relay did not write; find out who else may write there`,
    );
  return {
    topic,
    partition,
    offset: BigInt(message.offset),
    logOffset: BigInt(logOffset ?? ''),
    key: message.key.toString('utf8'),
    type: type ?? own[CE_TYPE_HEADER] ?? '',
    headers: own,
    value: message.value,
    timestamp: Number(message.timestamp),
  };
}
