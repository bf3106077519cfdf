import {
  EventLogError,
  partitionKey,
  type ConsumerStart,
  type Offsets,
  type PartitionKey,
  type TopicPartition,
} from '@sever/event-log';
import type { KafkaAdminSession } from '../kafka-admin-session.js';

export type StartPositions = { committed: Offsets; starts: Offsets };

/**
 * Where each assigned partition begins: what the group committed, else what `from` says. Always explicit: the client would go
 * to its own default, and commit it, when a position cannot be read.
 * @throws EventLogError `log.position-lost` for a position outside of what the brokers hold
 */
export async function startPositions(
  session: KafkaAdminSession,
  start: Pick<ConsumerStart, 'group' | 'topics' | 'from'>,
  tps: readonly TopicPartition[],
): Promise<StartPositions> {
  const committed: Offsets = start.group ? await session.committed(start.group, start.topics) : new Map();
  const wanted = new Map<PartitionKey, bigint>();
  for (const topic of start.topics) {
    const { starts, ends } = await session.bounds(topic);
    const fallback = await fallbackOf(session, start.from, topic, starts);
    for (const tp of tps.filter(one => one.topic === topic)) {
      const key = partitionKey(tp);
      const [low, high] = [starts.get(key) ?? 0n, ends.get(key) ?? 0n];
      const position = committed.get(key) ?? fallback.get(key) ?? low;
      if (position < low || position > high) throw lost(key, position, low, high);
      wanted.set(key, position);
    }
  }
  return { committed, starts: wanted };
}

function fallbackOf(
  session: KafkaAdminSession,
  from: ConsumerStart['from'],
  topic: string,
  starts: Offsets,
): Offsets | Promise<Offsets> {
  if (from === 'committed' || from === 'earliest') return starts;
  return 'offsets' in from ? from.offsets : session.offsetsForTime(topic, from.timestamp);
}

const lost = (key: PartitionKey, position: bigint, low: bigint, high: bigint): EventLogError =>
  new EventLogError(
    'log.position-lost',
    `the group stands at ${position} in ${key}, the brokers hold ${low} to ${high}: the topic was emptied or made anew. ` +
      'Reset the offsets of the group once it is known what is missing; every effect is repeatable',
  );
