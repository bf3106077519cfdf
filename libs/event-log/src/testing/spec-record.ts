import { randomUUID } from 'node:crypto';
import type { NewRecord } from '../port/log-record.js';
import { PARTITIONS, partitionOf } from '../partitioner.js';

/** A record for specs: a random event id, a small JSON value with the given `source`. */
export function specRecord(key: string, over: Partial<NewRecord> & { source?: string } = {}): NewRecord {
  const { source = '/api', ...rest } = over;
  const eventId = rest.eventId ?? randomUUID();
  return {
    topic: 'requests',
    key,
    eventId,
    type: 'sever.spec.happened.v1',
    headers: { ce_id: eventId },
    value: Buffer.from(JSON.stringify({ id: eventId, source })),
    ...rest,
  };
}

/** A fresh key that hashes to a partition. */
export function keyIn(partition: number, partitions = PARTITIONS): string {
  const run = randomUUID();
  for (let i = 0; ; i += 1) {
    const key = `spec:${run}-${i}`;
    if (partitionOf(key, partitions) === partition) return key;
  }
}
