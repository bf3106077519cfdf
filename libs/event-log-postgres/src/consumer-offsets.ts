import { EventLogError, partitionKey, type PartitionKey, type TopicPartition } from '@sever/event-log';
import { changed, rows, type Queryable } from '@sever/postgres';
import type { EntityManager } from 'typeorm';

/** Where a consumer stands in one partition: the next offset of the subscription, and of the log. */
export type ConsumerPosition = { next: bigint; nextLog: bigint };

/** Move of one partition of a consumer that keeps offsets in its own transaction; `expected` is the stored offset, 0 if none. */
export type Advance = TopicPartition & { expected: bigint; next: bigint; nextLogOffset: bigint };

/** Positions of a consumer; partitions that it never finished a record of are missing. */
export async function loadConsumerOffsets(
  on: Queryable,
  consumer: string,
  partitions: readonly TopicPartition[],
): Promise<ReadonlyMap<PartitionKey, ConsumerPosition>> {
  const found = await rows<{
    topic: string;
    partition: number;
    next_offset: string;
    next_log_offset: string;
  }>(on, `select topic, partition, next_offset, next_log_offset from consumer_offset where consumer = $1`, [
    consumer,
  ]);
  const wanted = new Set(partitions.map(partitionKey));
  return new Map(
    found
      .filter(row => wanted.has(partitionKey(row)))
      .map(row => [
        partitionKey(row),
        { next: BigInt(row.next_offset), nextLog: BigInt(row.next_log_offset) },
      ]),
  );
}

/**
 * Advances positions as the first statement of a consumer's transaction: a second consumer that thinks it owns the partition
 * waits here and then fails.
 * @throws EventLogError `log.position-lost`
 */
export async function advanceConsumerOffsets(
  em: EntityManager,
  consumer: string,
  moves: readonly Advance[],
): Promise<void> {
  const sorted = [...moves].sort((a, b) =>
    a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
  );
  const columns = [
    consumer,
    sorted.map(m => m.topic),
    sorted.map(m => m.partition),
    sorted.map(m => String(m.expected)),
    sorted.map(m => String(m.next)),
    sorted.map(m => String(m.nextLogOffset)),
  ];
  if (sorted.some(m => m.expected === 0n))
    await em.query(
      `insert into consumer_offset (consumer, topic, partition) select $1, t, p from unnest($2::text[], $3::int[]) as u(t, p)
       on conflict do nothing`,
      columns.slice(0, 3),
    );
  const moved = await changed(
    em,
    `update consumer_offset c set next_offset = u.next, next_log_offset = u.log
       from unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[]) as u(t, p, expected, next, log)
      where c.consumer = $1 and c.topic = u.t and c.partition = u.p and c.next_offset = u.expected`,
    columns,
  );
  if (moved !== sorted.length)
    throw new EventLogError(
      'log.position-lost',
      `another ${consumer} moved a position of this one; it reads again from the stored offsets`,
    );
}
