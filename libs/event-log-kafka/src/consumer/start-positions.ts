import {
  EventLogError,
  partitionKey,
  type ConsumerStart,
  type Offsets,
  type PartitionKey,
  type TopicPartition,
} from '@sever/event-log';
import type { KafkaAdminSession } from '../kafka-admin-session.js';
import { isGivenUp, type Commit } from './commit-note.js';

/** Where a partition begins. */
export type StartPosition = {
  /** Offset of the first read. */
  offset: bigint;
  /** Log offset of the first record to deliver, where it is known. */
  due: bigint | undefined;
  /** Where to look instead if the read shows that the due record lies before it. */
  instead: bigint | undefined;
  /** What of the group's commits still counts: later ones must be above it. */
  committed: bigint;
};

const NOTHING = -1n;
type Bounds = { low: bigint; high: bigint };

/**
 * Where each assigned partition begins: what the group committed, else what `from` says. Always explicit: the client would go
 * to its own default, and commit it, when a position cannot be read.
 * @throws EventLogError `log.position-lost` for a position outside of what the brokers hold
 */
export async function startPositions(
  session: KafkaAdminSession,
  start: Pick<ConsumerStart, 'group' | 'topics' | 'from'>,
  tps: readonly TopicPartition[],
): Promise<ReadonlyMap<PartitionKey, StartPosition>> {
  const commits = start.group ? await session.commits(start.group, start.topics) : new Map();
  const positions = new Map<PartitionKey, StartPosition>();
  for (const topic of start.topics) {
    const { starts, ends } = await session.bounds(topic);
    const fallback = await fallbackOf(session, start.from, topic);
    for (const tp of tps.filter(one => one.topic === topic)) {
      const key = partitionKey(tp);
      const bounds = { low: starts.get(key) ?? 0n, high: ends.get(key) ?? 0n };
      const commit = commits.get(key);
      positions.set(
        key,
        commit ? afterCommit(key, commit, bounds) : withoutCommit(key, fallback?.get(key), bounds),
      );
    }
  }
  return positions;
}

/** Offsets for partitions without a commit; undefined for the first record. */
function fallbackOf(
  session: KafkaAdminSession,
  from: ConsumerStart['from'],
  topic: string,
): Offsets | undefined | Promise<Offsets> {
  if (from === 'committed' || from === 'earliest') return undefined;
  return 'offsets' in from ? from.offsets : session.offsetsForTime(topic, from.timestamp);
}

function withoutCommit(key: PartitionKey, wanted: bigint | undefined, bounds: Bounds): StartPosition {
  if (wanted === undefined) return fromTheFirst(bounds);
  if (wanted < bounds.low || wanted > bounds.high) throw lost(key, wanted, bounds);
  return { offset: wanted, due: undefined, instead: undefined, committed: NOTHING };
}

/** The log begins at 0: a topic whose first records were removed shows it by its first record. */
const fromTheFirst = ({ low }: Bounds): StartPosition => ({
  ...{ offset: low, due: 0n, instead: undefined, committed: NOTHING },
});

/**
 * A topic may have been emptied and filled again since the commit. The record before the position tells: in a topic, log offsets
 * go up by one or fall back, so the due record comes later exactly if that one is below it. Otherwise, and behind the end, the
 * search begins at the offset that equals the due log offset, since offsets of Kafka are never below those of the log.
 */
function afterCommit(key: PartitionKey, commit: Commit, bounds: Bounds): StartPosition {
  const { low, high } = bounds;
  const { offset, log: due } = commit;
  if (isGivenUp(commit)) {
    if (low > 0n) throw lost(key, offset, bounds);
    return fromTheFirst(bounds);
  }
  if (offset < low || (offset > high && due === undefined)) throw lost(key, offset, bounds);
  if (due === undefined) return { offset, due, instead: undefined, committed: offset };
  const search = due < high ? due : high;
  if (search < low) throw lost(key, search, bounds);
  if (offset > high) return { offset: search, due, instead: undefined, committed: search };
  return { offset: offset > low ? offset - 1n : offset, due, instead: search, committed: offset };
}

const lost = (key: PartitionKey, position: bigint, { low, high }: Bounds): EventLogError =>
  new EventLogError(
    'log.position-lost',
    `the group stands at ${position < 0n ? 'a position that its client gave up' : position} in ${key}, the brokers hold ${low} to ${high}: ` +
      'records were removed. Reset the offsets of the group once it is known what is missing; every effect is repeatable',
  );
