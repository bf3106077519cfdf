import { EventLogError, type LogRecord } from '@sever/event-log';

/** Columns of {@link copiedRecord}, for select lists with alias `r`; the time in whole milliseconds. */
export const COPIED_COLUMNS = `r.partition, r."offset", r.key, r.type, r.headers::text, r.value, (extract(epoch from r.ts) * 1000)::bigint as ms`;

/**
 * A record from a row of a binary COPY over {@link COPIED_COLUMNS}.
 * @throws EventLogError `log.unavailable` when the row has other columns
 */
export function copiedRecord(topic: string, row: readonly (Buffer | null)[]): LogRecord {
  const [partition, offset, key, type, headers, value, ms] = row;
  if (!partition || !offset || !key || !type || !headers || !value || !ms)
    throw new EventLogError('log.unavailable', 'the server answered a read of the log with other columns');
  const at = offset.readBigInt64BE();
  return {
    topic,
    partition: partition.readInt32BE(),
    offset: at,
    logOffset: at,
    key: key.toString('utf8'),
    type: type.toString('utf8'),
    headers: JSON.parse(headers.toString('utf8')) as Record<string, string>,
    value,
    timestamp: Number(ms.readBigInt64BE()),
  };
}
