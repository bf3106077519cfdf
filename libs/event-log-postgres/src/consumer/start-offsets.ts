import type { ConsumerStart, Offsets } from '@sever/event-log';
import type { DataSource } from 'typeorm';
import { createPostgresEventLogAdmin } from '../postgres-event-log-admin.js';

/** Where partitions without a committed offset begin; undefined is the first record of each. */
export async function startOffsets(
  dataSource: DataSource,
  { from, topics }: Pick<ConsumerStart, 'from' | 'topics'>,
): Promise<Offsets | undefined> {
  if (from === 'committed' || from === 'earliest') return undefined;
  if ('offsets' in from) return from.offsets;
  const admin = createPostgresEventLogAdmin(dataSource);
  const found = await Promise.all(topics.map(topic => admin.offsetsForTime(topic, from.timestamp)));
  return new Map(found.flatMap(offsets => [...offsets]));
}
