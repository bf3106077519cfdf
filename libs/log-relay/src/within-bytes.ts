import { partitionKey, type LogRecord, type PartitionKey } from '@sever/event-log';

/**
 * Kafka takes one record batch per partition and refuses it above 1 MiB (`message.max.bytes`), for ever, since a refused batch is
 * sent again as it is. Half of that leaves room for keys and headers. One record has at most 60,000 bytes.
 */
const PARTITION_BYTES = 512 * 1024;
/** Memory of one batch. */
const BATCH_BYTES = 4 * 1024 * 1024;

/** The longest beginning of each partition's records that fits into one request. Order is kept; at least one record stays. */
export function withinBytes(
  records: readonly LogRecord[],
  partitionBytes = PARTITION_BYTES,
  batchBytes = BATCH_BYTES,
): LogRecord[] {
  const used = new Map<PartitionKey, number>();
  const full = new Set<PartitionKey>();
  const kept: LogRecord[] = [];
  let total = 0;
  for (const record of records) {
    const key = partitionKey(record);
    if (full.has(key)) continue;
    const size = sizeOf(record);
    const inPartition = (used.get(key) ?? 0) + size;
    if (kept.length > 0 && (inPartition > partitionBytes || total + size > batchBytes)) {
      // What follows in this partition must not overtake the record that did not fit.
      full.add(key);
      continue;
    }
    used.set(key, inPartition);
    total += size;
    kept.push(record);
  }
  return kept;
}

/** Bytes on the wire, roughly. */
function sizeOf(record: LogRecord): number {
  const headers = Object.entries(record.headers).reduce((sum, [k, v]) => sum + k.length + v.length * 2, 0);
  return record.value.length + record.key.length * 2 + headers + 100;
}
